//! MAIL and RCPT as values: the parts of an envelope.

pub mod dsn;
pub mod future_release;
pub(crate) mod xtext;

use crate::path::{ForwardPath, Parameters, ReversePath};

/// The MAIL command: where a message comes from.
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
