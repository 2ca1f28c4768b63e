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

/// The client's half of an authentication. It is given each message of the server, until the server
/// says whether the authentication has succeeded.
#[derive(Debug)]
pub struct ClientExchange(State);

/// An authentication cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failed {
    /// The mechanism cannot carry the name or the password, because of the characters in them.
    #[error("the mechanism has no way to say the name or the password")]
    Unspeakable,
    /// What the server has sent is not a message of the mechanism.
    #[error("the server's message does not belong to the mechanism")]
    Malformed,
    /// The server has not proved that it knows the user's password.
    #[error("the server does not know the password either")]
    Impostor,
    /// The server refuses the token.
    #[error("the server refuses the token")]
    Token,
    /// The system has no random numbers to give.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// What a client says.
type Octets = Box<[u8]>;

#[derive(Debug)]
enum State {
    /// The client has sent all that it has to send.
    Told,
    /// The server asks for the name next.
    LoginUser(Credentials),
    /// The server asks for the password next.
    LoginPassword(Password),
    #[cfg(feature = "scram")]
    ScramFirst(scram::Client),
    #[cfg(feature = "scram")]
    ScramProved(Proved),
    /// The server sent something that cannot be answered.
    Failed,
    /// The token was sent; if the server sends another challenge, the token was refused.
    TokenShown,
}

impl Credentials {
    /// Whether a text contains the secret.
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
    /// Begins with that mechanism. Returns what the client sends first; `None` if the server sends first.
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
            // The certificate says who the client is; the name says for whom it acts.
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

    /// Answers a message of the server. With SCRAM this needs much computing time: run it on a
    /// thread for blocking work.
    ///
    /// # Errors
    ///
    /// [`Failed`]; the exchange must then be cancelled.
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

    /// Whether the client may believe the server if it now says that the authentication has
    /// succeeded. With SCRAM the server has to prove first that it knows the password too. Once the
    /// server has sent something that cannot be answered, it is never believed.
    pub fn is_satisfied(&self) -> bool {
        match &self.0 {
            #[cfg(feature = "scram")]
            State::ScramFirst(_) | State::ScramProved(_) => false,
            state => !matches!(state, State::Failed),
        }
    }
}
