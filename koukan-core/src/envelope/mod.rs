//! MAIL and RCPT as values: the parts of an envelope.

pub mod dsn;
pub mod future_release;
pub(crate) mod xtext;

use std::str::FromStr;

use crate::path::{ForwardPath, InvalidMailbox, Parameters, ReversePath};

/// The MAIL command: where a message comes from.
///
/// A text is parsed as its reverse-path.
///
/// *Source*: RFC 5321 section 4.1.1.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The reverse-path.
    pub reverse_path: ReversePath,
    /// The ESMTP parameters, as given.
    pub parameters: Parameters,
}

/// The RCPT command: one recipient.
///
/// A text is parsed as its forward-path.
///
/// # Example
///
/// ```
/// use koukan_core::transaction::{Mail, Rcpt};
///
/// let (mail, rcpt): (Mail, Rcpt) = ("alice@example.org".parse()?, "bob@example.com".parse()?);
/// assert_eq!(rcpt.forward_path.as_str(), "bob@example.com");
/// assert!(!mail.reverse_path.is_null());
/// # Ok::<(), koukan_core::path::InvalidMailbox>(())
/// ```
///
/// *Source*: RFC 5321 section 4.1.1.3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rcpt {
    /// The forward-path.
    pub forward_path: ForwardPath,
    /// The ESMTP parameters, as given.
    pub parameters: Parameters,
}

impl Mail {
    /// MAIL without parameters.
    pub fn new(reverse_path: impl Into<ReversePath>) -> Self {
        Self {
            reverse_path: reverse_path.into(),
            parameters: Parameters::default(),
        }
    }
}

impl Rcpt {
    /// RCPT without parameters.
    pub fn new(forward_path: impl Into<ForwardPath>) -> Self {
        Self {
            forward_path: forward_path.into(),
            parameters: Parameters::default(),
        }
    }
}

impl FromStr for Mail {
    type Err = InvalidMailbox;

    /// MAIL without parameters, with this text between `<` and `>`. An empty text is the null reverse-path.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<ReversePath>().map(Self::new)
    }
}

impl FromStr for Rcpt {
    type Err = InvalidMailbox;

    /// RCPT without parameters, with this text between `<` and `>`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<ForwardPath>().map(Self::new)
    }
}
