//! Messages of servers to the SASL client: whatever they are, the client never reveals a secret
//! that the mechanism protects, and a server that must prove that it knows the secret cannot
//! satisfy the client without knowing it.

use koukan_smtp::sasl::{ClientExchange, Credentials, Mechanism, Password};

use crate::sasl_server::mechanism;

const SECRET: &str = "xyzzy-plugh";

/// The most challenges in one exchange.
const CHALLENGES_MAX: usize = 4;

pub(crate) fn holds(octets: &[u8]) {
    let Some((choice, rest)) = octets.split_first() else {
        return;
    };
    let mechanism = mechanism(*choice);
    let credentials = Credentials::new("alice", Password::from(SECRET));
    let Ok((mut exchange, first)) = ClientExchange::begin(mechanism, &credentials) else {
        return;
    };
    let is_scram = mechanism == Mechanism::ScramSha256;
    keeps(first.as_deref(), is_scram);
    for challenge in rest.split(|octet| *octet == b'\n').take(CHALLENGES_MAX) {
        let Ok(response) = exchange.respond(challenge) else {
            break;
        };
        keeps(Some(&response), is_scram);
    }
    assert!(!is_scram || !exchange.is_satisfied());
}

fn keeps(said: Option<&[u8]>, is_scram: bool) {
    let secret = SECRET.as_bytes();
    let tells = |said: &[u8]| said.windows(secret.len()).any(|octets| octets == secret);
    assert!(!is_scram || !said.is_some_and(tells));
}
