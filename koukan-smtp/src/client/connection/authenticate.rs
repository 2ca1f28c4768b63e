//! AUTH: the client authenticates.

use std::collections::HashSet;

use koukan_core::{
    blocking::BlockingPool,
    network::Wire,
    reply::{Reply, Speaker},
};

use crate::{
    client::{ClientError, Login, Phase},
    sasl::{self, ClientExchange, Failed, Mechanism},
};

use super::Connection;

/// The most octets in a command line, without its end; a longer initial response is sent on a line of its own.
///
/// *Source*: RFC 4954 section 4, RFC 5321 section 4.5.3.1.4.
const LINE_MAX: usize = 510;

/// The fewest octets of a secret that count as a repetition when they come back; fewer may be chance.
const ECHO_MIN: usize = 12;

impl<Io: Wire> Connection<Io> {
    /// Authenticates, over TLS unless the login says otherwise. After a failure the connection must not be used.
    ///
    /// *Source*: RFC 4954 section 4.
    pub(crate) async fn authenticate(
        &mut self,
        login: &Login,
        blocking: &BlockingPool,
    ) -> Result<(), ClientError> {
        if !self.is_secure && !login.is_clear() && !self.remote.address.is_here() {
            return Err(ClientError::NoTls);
        }
        let mechanism = login.choose(&self.offered.auth);
        let mechanism = mechanism.ok_or(ClientError::NoMechanism)?;
        self.log_event(&format!(
            "AUTH {}: what is said is not kept",
            mechanism.name()
        ));
        self.log.hide(true);
        let done = self.say_who(mechanism, login, blocking).await;
        self.log_commands();
        self.log.hide(false);
        match &done {
            Ok(()) => self.log_event("authenticated"),
            Err(ClientError::LoginRefused(reply)) => {
                let said = reply.to_string();
                self.log.note(Speaker::Server, said.as_bytes());
            }
            Err(_) => {}
        }
        done
    }

    async fn say_who(
        &mut self,
        mechanism: Mechanism,
        login: &Login,
        blocking: &BlockingPool,
    ) -> Result<(), ClientError> {
        let credentials = login.credentials();
        let (mut exchange, first) = ClientExchange::begin(mechanism, &credentials)?;
        let mut first = first.map(sasl::encode);
        let said = first.iter().filter(|first| !first.is_empty());
        let mut sent: Vec<String> = said.cloned().collect();
        let is_short =
            |first: &String| "AUTH ".len() + mechanism.name().len() + 1 + first.len() <= LINE_MAX;
        let initial = first.take_if(|first| is_short(first));
        self.encoder().0.auth(mechanism.name(), initial.as_deref());
        loop {
            let reply = self.exchange(Phase::Auth).await?;
            if reply.is_positive() {
                return match exchange.is_satisfied() {
                    true => Ok(()),
                    false => Err(Failed::Impostor.into()),
                };
            }
            if reply.is_negative() {
                // Some servers repeat what they got, and the reply is shown to other people.
                let is_echo = credentials.is_told_by(reply.text())
                    || sent.iter().any(|sent| repeats(reply.text(), sent));
                return Err(ClientError::LoginRefused(match is_echo {
                    true => reply.with_text("(it repeats what we said)"),
                    false => reply,
                }));
            }
            let code = reply.code();
            if code != Reply::challenge().code() {
                let phase = Phase::Auth;
                return Err(ClientError::UnexpectedReply { phase, code });
            }
            if let Some(first) = first.take() {
                self.encoder().0.auth_response(&first);
                continue;
            }
            let challenge = sasl::decode(reply.text().trim());
            let challenge = challenge.map_err(|_| Failed::Malformed);
            let answered;
            (exchange, answered) = respond(exchange, challenge, blocking).await?;
            match answered {
                Ok(response) => {
                    let response = sasl::encode(response);
                    self.encoder().0.auth_response(&response);
                    // An empty response would be found in every text.
                    sent.extend(Some(response).filter(|response| !response.is_empty()));
                }
                Err(failed) => {
                    self.encoder().0.auth_response("*");
                    self.exchange(Phase::Auth).await?;
                    return Err(failed.into());
                }
            }
        }
    }
}

/// Whether a text repeats a piece of what was sent in base 64; some servers cut it short or write
/// it in capitals.
fn repeats(text: &str, said: &str) -> bool {
    let (text, said) = (text.to_ascii_lowercase(), said.to_ascii_lowercase());
    let length = said.len().min(ECHO_MIN);
    if length == 0 {
        return false;
    }
    // The server decides how long both are.
    let pieces: HashSet<&[u8]> = said.as_bytes().windows(length).collect();
    let mut found = text.as_bytes().windows(length);
    found.any(|piece| pieces.contains(piece))
}

type Response = (ClientExchange, Result<Box<[u8]>, Failed>);

/// Answers a challenge on a thread of its own: the server decides how often a password is hashed.
async fn respond(
    mut exchange: ClientExchange,
    challenge: Result<Vec<u8>, Failed>,
    blocking: &BlockingPool,
) -> Result<Response, ClientError> {
    let work = move || {
        let response = challenge.and_then(|challenge| exchange.respond(&challenge));
        (exchange, response)
    };
    let done = blocking.run(work).await;
    done.map_err(|_| Failed::Malformed.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_of_what_was_said_is_found_again() {
        let said = "AGFsaWNlAG9wZW4gc2VzYW1l";
        for (text, expected) in [
            ("what is \"AUTH PLAIN AGFsaWNlAG9wZW4gc2VzYW1l\"?", true),
            ("what is AUTH PLAIN AGFsaWNlAG9wZW4?", true),
            ("WHAT IS AUTH PLAIN AGFSAWNLAG9WZW4GC2VZYW1L?", true),
            ("authentication failed", false),
            ("", false),
        ] {
            assert_eq!(repeats(text, said), expected, "{text}");
        }
        assert!(repeats("no: YQ==", "YQ=="));
        assert!(!repeats("no", ""));
    }
}
