//! Domains in the form in which the DNS is queried.

use crate::path::in_a_labels;

/// The text is not a domain that the DNS can be queried for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a domain that can be looked up in the DNS")]
pub struct InvalidDomainName;

/// The domain as it is queried: in lower case, and as A-labels where it is not ASCII.
///
/// A text in ASCII is only changed in case, and its A-labels are checked; it need not be a valid
/// domain.
///
/// *Source*: RFC 5891, UTS 46.
///
/// # Errors
///
/// [`InvalidDomainName`] where a label is invalid. Without the feature `idn`, for all text outside of
/// ASCII; A-labels are not checked then.
///
/// # Example
///
/// ```
/// use koukan_core::network::{InvalidDomainName, to_ascii_domain};
///
/// assert_eq!(to_ascii_domain("Example.COM")?, "example.com");
/// # #[cfg(feature = "idn")]
/// assert_eq!(to_ascii_domain("bücher.example")?, "xn--bcher-kva.example");
/// # Ok::<(), InvalidDomainName>(())
/// ```
pub fn to_ascii_domain(domain: &str) -> Result<String, InvalidDomainName> {
    in_a_labels(domain).ok_or(InvalidDomainName)
}
