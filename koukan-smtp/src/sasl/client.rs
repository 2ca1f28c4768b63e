//! The client's half of an authentication.

use koukan_core::random::NoRandomness;

#[cfg(feature = "scram")]
use super::scram::{self, Proved};
use super::{Mechanism, Password, messages};

/// A name, and a password or a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    user: Box<str>,
    secret: Password,
}

/// The client's half of an authentication: it is given what the server says until that says whether it
/// has succeeded.
#[derive(Debug)]
pub struct ClientExchange(State);

/// An authentication cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failed {
    /// The name or the password cannot be said by that mechanism.
    #[error("the mechanism has no way to say the name or the password")]
    Unspeakable,
    /// What the server has sent is no message of the mechanism.
    #[error("the server does not keep to the mechanism")]
    Malformed,
    /// The server does not know the user's password.
    #[error("the server does not know the password either")]
    Impostor,
    /// The server refuses the token.
    #[error("the server refuses the token")]
    Token,
    /// There are no random numbers.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// What a client says.
type Octets = Box<[u8]>;

#[derive(Debug)]
enum State {
    /// All was said.
    Told,
    /// The server is to ask for the name.
    LoginUser(Credentials),
    /// The server is to ask for the password.
    LoginPassword(Password),
    #[cfg(feature = "scram")]
    ScramFirst(scram::Client),
    #[cfg(feature = "scram")]
    ScramProved(Proved),
    /// Something was said that cannot be answered.
    Failed,
    /// A token was shown; what the server says to that is that it is not good.
    TokenShown,
}

impl Credentials {
    /// Whether a text tells the secret.
    pub(crate) fn is_told_by(&self, text: &str) -> bool {
        let secret = self.secret.reveal();
        !secret.is_empty() && text.contains(secret)
    }

    /// A user's password, or a token.
    pub fn new(user: impl Into<Box<str>>, secret: impl Into<Password>) -> Self {
        Self {
            user: user.into(),
            secret: secret.into(),
        }
    }

    /// The name.
    pub fn user(&self) -> &str {
        &self.user
    }
}

impl ClientExchange {
    /// Begins by that mechanism. Returns what the client says first, unless the server does.
    ///
    /// # Errors
    ///
    /// [`Failed`].
    pub fn begin(
        mechanism: Mechanism,
        credentials: &Credentials,
    ) -> Result<(Self, Option<Octets>), Failed> {
        let Credentials { user, secret } = credentials;
        let (state, first) = match mechanism {
            Mechanism::Plain => {
                let message = messages::write_plain(user, secret.reveal());
                (State::Told, Some(message.ok_or(Failed::Unspeakable)?))
            }
            // Who it is stands in the certificate: the name is whom it acts for.
            Mechanism::External => (State::Told, Some(user.to_string())),
            Mechanism::Login => (State::LoginUser(credentials.clone()), None),
            Mechanism::OAuthBearer => {
                let message = messages::write_bearer(user, secret.reveal());
                (State::TokenShown, Some(message))
            }
            #[cfg(feature = "scram")]
            Mechanism::ScramSha256 => {
                let client = scram::Client::new(user, secret.clone(), scram::nonce()?);
                let message = client.message();
                (State::ScramFirst(client), Some(message))
            }
        };
        Ok((Self(state), first.map(|text| text.into_bytes().into())))
    }

    /// Answers what the server says. With SCRAM this takes a while: it belongs in a thread of its own.
    ///
    /// # Errors
    ///
    /// [`Failed`]; the exchange is to be cancelled.
    #[cfg_attr(not(feature = "scram"), allow(unused_variables))]
    pub fn respond(&mut self, challenge: &[u8]) -> Result<Octets, Failed> {
        let (state, response) = match std::mem::replace(&mut self.0, State::Failed) {
            State::LoginUser(Credentials { user, secret }) => {
                (State::LoginPassword(secret), user.into_boxed_bytes())
            }
            State::LoginPassword(secret) => (State::Told, secret.reveal().as_bytes().into()),
            #[cfg(feature = "scram")]
            State::ScramFirst(client) => {
                let proved = client.prove(challenge)?;
                let message = proved.message().as_bytes().into();
                (State::ScramProved(proved), message)
            }
            #[cfg(feature = "scram")]
            State::ScramProved(proved) => match proved.is_signed(challenge) {
                true => (State::Told, Box::default()),
                false => {
                    self.0 = State::ScramProved(proved);
                    return Err(Failed::Impostor);
                }
            },
            State::TokenShown => return Err(Failed::Token),
            State::Told | State::Failed => return Err(Failed::Malformed),
        };
        self.0 = state;
        Ok(response)
    }

    /// Whether the server may say now that it has succeeded: with SCRAM it has to show first that it
    /// knows the password, too. Never once it has said what cannot be answered.
    pub fn is_satisfied(&self) -> bool {
        match &self.0 {
            #[cfg(feature = "scram")]
            State::ScramFirst(_) | State::ScramProved(_) => false,
            state => !matches!(state, State::Failed),
        }
    }
}
