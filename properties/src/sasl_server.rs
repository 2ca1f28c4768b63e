//! Messages of clients to the SASL server: whatever they are, no client is accepted under a name
//! that the authenticator did not give, and an exchange ends.

use koukan_smtp::sasl::{Answer, Claim, Exchange, Mechanism, NextStep, decode, encode};

/// More messages than any exchange has.
const MESSAGES_MAX: usize = 4;

pub(crate) fn holds(octets: &[u8]) {
    let Some((choice, rest)) = octets.split_first() else {
        return;
    };
    let mechanism = mechanism(*choice);
    let mut exchange = Exchange::new(mechanism);
    for message in rest.split(|octet| *octet == b'\n').take(MESSAGES_MAX) {
        if let Ok(decoded) = decode(message) {
            assert_eq!(decode(encode(&decoded)).as_deref(), Ok(&decoded[..]));
        }
        let Ok(step) = exchange.respond(message) else {
            // The exchange is over.
            assert_eq!(exchange.respond(message), Ok(NextStep::Refused));
            return;
        };
        match step {
            NextStep::Ask(claim) => {
                is_clean(&claim);
                // The authenticator refuses every claim.
                match exchange.answer(Answer::Refused) {
                    Ok(NextStep::Refused) => return,
                    Ok(NextStep::Challenge(_)) => {
                        assert_eq!(mechanism, Mechanism::OAuthBearer);
                        assert_eq!(exchange.respond(b"\x01"), Ok(NextStep::Refused));
                        return;
                    }
                    other => panic!("{other:?} after a refusal"),
                }
            }
            NextStep::Challenge(_) => {}
            NextStep::Refused => return,
            NextStep::Accepted(name) => panic!("known as {name} by nobody's word"),
        }
    }
}

pub(crate) fn mechanism(choice: u8) -> Mechanism {
    let all = Mechanism::ALL;
    all[usize::from(choice) % all.len()]
}

/// Names and secrets are passed to files, servers and logs, where a NUL would end them.
fn is_clean(claim: &Claim) {
    assert!(!claim.user().is_some_and(|user| user.contains('\0')));
    if let Claim::Password { password, .. } = claim {
        assert!(!password.reveal().contains('\0'));
    }
}
