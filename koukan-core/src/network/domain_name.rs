//! How the DNS is asked for a domain.

/// A text is not a domain that the DNS can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a domain that the DNS knows how to be asked for")]
pub struct InvalidDomainName;

/// The domain as the DNS is asked for it: in lower case, and as A-labels where it is not ASCII.
///
/// What is ASCII may still be no domain: this changes the case of it and looks at A-labels, no more.
///
/// *Source*: RFC 5891, UTS 46.
///
/// # Errors
///
/// [`InvalidDomainName`] where a label cannot be one, or is not what it says to be. Without the feature
/// `idn`, all that is not ASCII; A-labels are not looked at then.
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
    #[cfg(feature = "idn")]
    return idna::domain_to_ascii(domain).map_err(|_| InvalidDomainName);
    #[cfg(not(feature = "idn"))]
    return match domain.is_ascii() {
        true => Ok(domain.to_ascii_lowercase()),
        false => Err(InvalidDomainName),
    };
}
