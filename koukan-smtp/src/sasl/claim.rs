//! What a client claims when it authenticates, and how a claim is answered.

use std::fmt;

#[cfg(feature = "scram")]
use super::scram::Verifier;

/// What a client claims; somebody has to say whether it is true.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Claim {
    /// The client is that user, and this is the password.
    Password {
        /// The name, as the client wrote it.
        user: Box<str>,
        /// The password, as the client wrote it.
        password: Password,
    },
    /// The client is that user and will prove that it knows the password. This asks for the
    /// verifier of that user.
    #[cfg(feature = "scram")]
    Verifier {
        /// The name, as the client wrote it.
        user: Box<str>,
    },
    /// The client has that token, which may say who the client is.
    Token {
        /// The name, where the client gave one.
        user: Option<Box<str>>,
        /// The token.
        token: Password,
    },
}

/// The answer to a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// The claim is true; from now on the client is known by that name.
    Accepted(Box<str>),
    /// The claim is false.
    Refused,
    /// The verifier that was asked for, and the name by which the client is known if its proof
    /// fits. For a user who does not exist, it is a verifier that fits no password, so that clients
    /// cannot find out which users exist.
    #[cfg(feature = "scram")]
    Verifier(Box<str>, Verifier),
}

/// A password or a token. `Debug` does not show it.
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
