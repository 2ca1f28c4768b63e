//! The origin of a message: the argument of MAIL.

use std::{fmt, str::FromStr};

use super::{InvalidMailbox, Mailbox};

/// The reverse-path: the mailbox that is notified when delivery fails, or the null reverse-path.
///
/// *Shape*: the null reverse-path, `<>` on the wire, is [`ReversePath::Null`] and prints as an
/// empty text; a notification about mail with it is never sent (RFC 5321 section 4.5.5).
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum ReversePath {
    /// `<>`.
    Null,
    /// The sender's mailbox.
    Mailbox(Mailbox),
}

impl ReversePath {
    /// The mailbox, unless the path is null.
    pub fn mailbox(&self) -> Option<&Mailbox> {
        match self {
            Self::Null => None,
            Self::Mailbox(mailbox) => Some(mailbox),
        }
    }

    /// Whether this is the null reverse-path.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The text between `<` and `>`.
    pub fn as_str(&self) -> &str {
        self.mailbox().map_or("", Mailbox::as_str)
    }
}

impl FromStr for ReversePath {
    type Err = InvalidMailbox;

    /// Parses the text between `<` and `>`; an empty text is the null reverse-path.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Ok(Self::Null);
        }
        text.parse().map(Self::Mailbox)
    }
}

impl From<Mailbox> for ReversePath {
    fn from(mailbox: Mailbox) -> Self {
        Self::Mailbox(mailbox)
    }
}

impl fmt::Display for ReversePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ReversePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.as_str())
    }
}
