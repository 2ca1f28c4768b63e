//! The destination of a message: the argument of RCPT.

use std::{fmt, str::FromStr};

use super::{InvalidMailbox, Mailbox};

/// The forward-path: a recipient's mailbox, or the postmaster of the receiving host.
///
/// *Source*: RFC 5321 sections 4.1.1.3 and 4.5.1 (`<Postmaster>` without a domain, in any case).
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum ForwardPath {
    /// `<Postmaster>` without a domain.
    Postmaster,
    /// A mailbox.
    Mailbox(Mailbox),
}

impl ForwardPath {
    /// The mailbox, unless this is the postmaster without a domain.
    pub fn mailbox(&self) -> Option<&Mailbox> {
        match self {
            Self::Postmaster => None,
            Self::Mailbox(mailbox) => Some(mailbox),
        }
    }

    /// Whether both name one recipient; see [`Mailbox::is_same`].
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Mailbox(mailbox), Self::Mailbox(other)) => mailbox.is_same(other),
            (Self::Postmaster, Self::Postmaster) => true,
            _ => false,
        }
    }

    /// A number that is equal for all spellings of a recipient, and rarely equal for two
    /// recipients.
    pub(crate) fn fingerprint(&self) -> u64 {
        self.mailbox().map_or(0, Mailbox::fingerprint)
    }

    /// The text between `<` and `>`.
    pub fn as_str(&self) -> &str {
        self.mailbox().map_or("postmaster", Mailbox::as_str)
    }
}

impl FromStr for ForwardPath {
    type Err = InvalidMailbox;

    /// Parses the text between `<` and `>`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.eq_ignore_ascii_case("postmaster") {
            return Ok(Self::Postmaster);
        }
        text.parse().map(Self::Mailbox)
    }
}

impl From<Mailbox> for ForwardPath {
    fn from(mailbox: Mailbox) -> Self {
        Self::Mailbox(mailbox)
    }
}

impl fmt::Display for ForwardPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ForwardPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.as_str())
    }
}
