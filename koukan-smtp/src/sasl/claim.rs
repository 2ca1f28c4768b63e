//! What a client says of itself, and what is said to that.

use std::fmt;

#[cfg(feature = "scram")]
use super::scram::Verifier;

/// What a client says of itself, for somebody to say whether it is so.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Claim {
    /// It is that user, and this is the password.
    Password {
        /// The name, as the client wrote it.
        user: Box<str>,
        /// The password, as the client wrote it.
        password: Password,
    },
    /// It is that user and will show that it knows the password: what is its verifier?
    #[cfg(feature = "scram")]
    Verifier {
        /// The name, as the client wrote it.
        user: Box<str>,
    },
    /// It has that token, which may say who it is.
    Token {
        /// The name, where the client gave one.
        user: Option<Box<str>>,
        /// The token.
        token: Password,
    },
}

/// What is said to a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// It is so, and the client is known by that name from now on.
    Accepted(Box<str>),
    /// It is not so.
    Refused,
    /// The verifier that was asked for, and the name by which the client is known if it fits. For a user
    /// whom there is not, it is one that fits no password, so that clients do not learn that.
    #[cfg(feature = "scram")]
    Verifier(Box<str>, Verifier),
}

/// A password or a token; not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Box<str>);

impl Claim {
    /// The name, where the client gave one.
    pub fn user(&self) -> Option<&str> {
        match self {
            Self::Password { user, .. } => Some(user),
            #[cfg(feature = "scram")]
            Self::Verifier { user } => Some(user),
            Self::Token { user, .. } => user.as_deref(),
        }
    }
}

impl Password {
    /// The password.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl<T: Into<Box<str>>> From<T> for Password {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}
