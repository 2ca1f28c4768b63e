//! The server's half of an authentication.

use koukan_core::random::NoRandomness;

#[cfg(feature = "scram")]
use super::scram::{self, Challenged};
use super::{Answer, Claim, Mechanism, messages};

/// What OAUTHBEARER sends to a client whose token is refused, before the exchange fails.
///
/// *Source*: RFC 7628 section 3.2.2.
const INVALID_TOKEN: &str = r#"{"status":"invalid_token"}"#;

/// The server's half of an authentication. It is given each message of the client, and the answer
/// to the client's claim, until the exchange is over.
///
/// # Example
///
/// ```
/// use koukan_smtp::sasl::{Answer, Exchange, Mechanism, NextStep};
///
/// let mut exchange = Exchange::new(Mechanism::Plain);
/// let Ok(NextStep::Ask(claim)) = exchange.respond(b"\0alice\0secret") else {
///     unreachable!()
/// };
/// assert_eq!(claim.user(), Some("alice"));
/// let step = exchange.answer(Answer::Accepted("alice".into()))?;
/// assert_eq!(step, NextStep::Accepted("alice".into()));
/// # Ok::<(), koukan_core::random::NoRandomness>(())
/// ```
#[derive(Debug)]
pub struct Exchange(State);

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextStep {
    /// Send these octets to the client, and give the exchange what the client replies.
    Challenge(Box<[u8]>),
    /// Find out whether the claim is true, and give the exchange the answer.
    Ask(Claim),
    /// Nothing: the client has authenticated and is known by that name.
    Accepted(Box<str>),
    /// Nothing: the client is refused.
    Refused,
}

/// What a client has sent is not a message of its mechanism.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a message of the mechanism")]
pub struct Malformed;

#[derive(Debug)]
enum State {
    /// The client has sent nothing yet.
    Begun(Mechanism),
    /// The client sends the password next.
    LoginUser(Box<str>),
    /// A claim was made that is answered with yes or no.
    Asked(Mechanism),
    /// The verifier of the user is asked for.
    #[cfg(feature = "scram")]
    ScramFirst(scram::Server),
    /// The client sends its proof next.
    #[cfg(feature = "scram")]
    ScramChallenged(Box<str>, Box<Challenged>),
    /// The client has proved that it knows the password, and now acknowledges the server's last
    /// message. Holds the name by which it is known.
    #[cfg(feature = "scram")]
    Proved(Box<str>),
    Over,
}

impl Exchange {
    /// An exchange in which nothing was sent yet.
    pub fn new(mechanism: Mechanism) -> Self {
        Self(State::Begun(mechanism))
    }

    /// What to send to a client that has sent nothing yet.
    pub fn opening(&self) -> &'static [u8] {
        match self.0 {
            State::Begun(Mechanism::Login) => b"Username:",
            _ => b"",
        }
    }

    /// Takes a message of the client.
    ///
    /// # Errors
    ///
    /// [`Malformed`]; the exchange is over.
    pub fn respond(&mut self, message: &[u8]) -> Result<NextStep, Malformed> {
        let asked = |mechanism, claim| (State::Asked(mechanism), NextStep::Ask(claim));
        let (state, step) = match std::mem::replace(&mut self.0, State::Over) {
            State::Begun(Mechanism::Plain) => {
                asked(Mechanism::Plain, messages::read_plain(message)?)
            }
            State::Begun(Mechanism::OAuthBearer) => {
                asked(Mechanism::OAuthBearer, messages::read_bearer(message)?)
            }
            State::Begun(Mechanism::Login) => {
                let challenge = NextStep::Challenge((*b"Password:").into());
                (State::LoginUser(text(message)?.into()), challenge)
            }
            State::LoginUser(user) => {
                let password = text(message)?.into();
                asked(Mechanism::Login, Claim::Password { user, password })
            }
            #[cfg(feature = "scram")]
            State::Begun(Mechanism::ScramSha256) => {
                let server = scram::Server::read(message)?;
                let user = server.user.clone();
                let ask = NextStep::Ask(Claim::Verifier { user });
                (State::ScramFirst(server), ask)
            }
            #[cfg(feature = "scram")]
            State::ScramChallenged(name, challenged) => match challenged.verify(message)? {
                Some(last) => {
                    let last = NextStep::Challenge(last.into_bytes().into());
                    (State::Proved(name), last)
                }
                None => (State::Over, NextStep::Refused),
            },
            #[cfg(feature = "scram")]
            State::Proved(name) if message.is_empty() => (State::Over, NextStep::Accepted(name)),
            // This is also what a client sends after it has heard that its token was refused.
            State::Over => (State::Over, NextStep::Refused),
            // The caller, which holds the connection, knows whose certificate was shown; no message
            // is read here.
            State::Begun(Mechanism::External) => return Err(Malformed),
            State::Asked(_) => return Err(Malformed),
            #[cfg(feature = "scram")]
            State::Proved(_) | State::ScramFirst(_) => return Err(Malformed),
        };
        self.0 = state;
        Ok(step)
    }

    /// Takes the answer to the claim. An answer of another kind than the claim counts as a refusal.
    ///
    /// # Errors
    ///
    /// [`NoRandomness`].
    pub fn answer(&mut self, answer: Answer) -> Result<NextStep, NoRandomness> {
        let (state, step) = match (std::mem::replace(&mut self.0, State::Over), answer) {
            (State::Asked(_), Answer::Accepted(name)) => (State::Over, NextStep::Accepted(name)),
            (State::Asked(Mechanism::OAuthBearer), _) => {
                let challenge = INVALID_TOKEN.as_bytes().into();
                (State::Over, NextStep::Challenge(challenge))
            }
            #[cfg(feature = "scram")]
            (State::ScramFirst(server), Answer::Verifier(name, verifier)) => {
                let challenged = server.challenge(verifier, &scram::nonce()?);
                let challenge = NextStep::Challenge(challenged.message().as_bytes().into());
                (
                    State::ScramChallenged(name, Box::new(challenged)),
                    challenge,
                )
            }
            _ => (State::Over, NextStep::Refused),
        };
        self.0 = state;
        Ok(step)
    }
}

fn text(message: &[u8]) -> Result<&str, Malformed> {
    let text = str::from_utf8(message).map_err(|_| Malformed)?;
    match text.is_empty() || text.contains('\0') {
        true => Err(Malformed),
        false => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sasl::{ClientExchange, Credentials, scram::Verifier};

    /// Runs the exchange between a client with those credentials and a server that knows the
    /// password `pencil` of `alice`.
    fn play(mechanism: Mechanism, credentials: Credentials) -> Result<NextStep, Malformed> {
        let verifier = Verifier::new("pencil", 4096).unwrap();
        let (mut client, first) = ClientExchange::begin(mechanism, &credentials).unwrap();
        let mut exchange = Exchange::new(mechanism);
        let mut step = match first {
            Some(first) => exchange.respond(&first)?,
            None => NextStep::Challenge(exchange.opening().into()),
        };
        loop {
            step = match step {
                NextStep::Challenge(octets) => match client.respond(&octets) {
                    Ok(response) => exchange.respond(&response)?,
                    Err(_) => return Ok(NextStep::Refused),
                },
                NextStep::Ask(claim) => {
                    let answer = match &claim {
                        Claim::Password { user, password } => {
                            let is_so = &**user == "alice" && verifier.fits(password.reveal());
                            is_so.then(|| Answer::Accepted(user.clone()))
                        }
                        Claim::Token { token, .. } => {
                            (token.reveal() == "pencil").then(|| Answer::Accepted("alice".into()))
                        }
                        Claim::Verifier { user } => {
                            Some(Answer::Verifier(user.clone(), verifier.clone()))
                        }
                    };
                    exchange.answer(answer.unwrap_or(Answer::Refused)).unwrap()
                }
                over => {
                    let is_known = matches!(&over, NextStep::Accepted(_));
                    assert_eq!(
                        client.is_satisfied(),
                        is_known || mechanism != Mechanism::ScramSha256
                    );
                    return Ok(over);
                }
            };
        }
    }

    #[test]
    fn who_knows_the_secret_is_known_and_nobody_else() {
        let credentials = |secret: &str| Credentials::new("alice", secret);
        for &mechanism in Mechanism::ALL {
            let accepted = play(mechanism, credentials("pencil"));
            assert_eq!(
                accepted,
                Ok(NextStep::Accepted("alice".into())),
                "{mechanism:?}"
            );
            let refused = play(mechanism, credentials("pen"));
            assert_eq!(refused, Ok(NextStep::Refused), "{mechanism:?}");
        }
    }

    #[test]
    fn after_its_end_an_exchange_accepts_nobody() {
        let mut exchange = Exchange::new(Mechanism::Plain);
        assert_eq!(exchange.respond(b"nonsense"), Err(Malformed));
        assert_eq!(exchange.respond(b"\0alice\0pencil"), Ok(NextStep::Refused));
        let accepted = Answer::Accepted("alice".into());
        assert_eq!(exchange.answer(accepted), Ok(NextStep::Refused));
    }

    #[test]
    fn a_claim_that_waits_for_its_answer_is_not_taken_for_one() {
        let mut exchange = Exchange::new(Mechanism::ScramSha256);
        let first = exchange.respond(b"n,,n=alice,r=x");
        assert!(matches!(first, Ok(NextStep::Ask(_))));
        let accepted = Answer::Accepted("alice".into());
        assert_eq!(exchange.answer(accepted), Ok(NextStep::Refused));
    }
}
