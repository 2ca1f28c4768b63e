//! A verdict that travels as an error.

use std::{error::Error, fmt};

use super::Reply;

/// A negative [`Reply`] in the form of an error, for places that can only return errors: a body
/// transform, or an inner service of another tower stack.
///
/// Wherever it is in an error's source chain, the client gets its reply (see
/// [`Rescue`](crate::service::Rescue)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection(Reply);

impl Rejection {
    /// Makes a rejection from a reply.
    ///
    /// A reply that is not negative cannot reject anything: it becomes
    /// [`Reply::local_error`].
    pub fn new(reply: Reply) -> Self {
        debug_assert!(reply.is_negative(), "a rejection with {reply}");
        if reply.is_negative() {
            Self(reply)
        } else {
            Self(Reply::local_error())
        }
    }

    /// The reply, which is always negative.
    pub fn reply(&self) -> &Reply {
        &self.0
    }

    /// Returns the reply.
    pub fn into_reply(self) -> Reply {
        self.0
    }
}

impl From<Reply> for Rejection {
    fn from(reply: Reply) -> Self {
        Self::new(reply)
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rejected with {}", self.0)
    }
}

impl Error for Rejection {}
