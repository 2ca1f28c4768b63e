//! Turns failures into replies. This is the only place that does so.

use koukan_core::{causes::Causes, reply::Reply};

use crate::{client::Phase, codec::Unsendable};

use super::{ClientError, Place};

/// The most characters of a server's text that are repeated in a reply of our own.
const QUOTED_MAX: usize = 400;

impl ClientError {
    /// Our own reply for a failure at a host. Its text names the host and the phase.
    pub(super) fn reply_at(&self, place: &Place) -> Reply {
        let (reply, text) = match self {
            Self::ResolveFailed { .. } | Self::Timeout(Phase::Resolve) => (
                Reply::directory_failed(),
                format!("could not look up {place}, try again later"),
            ),
            Self::NoAddress(_) => (
                Reply::directory_failed(),
                format!("{place} has no address, try again later"),
            ),
            Self::ConnectFailed { .. } => (
                Reply::connection_failed(),
                format!("could not connect to {place}"),
            ),
            // Only the operator may know which address.
            Self::SourceNotHere(_) => (
                Reply::local_error(),
                format!("cannot connect to {place} from the address that is set for it"),
            ),
            Self::Timeout(Phase::Connect) => (
                Reply::connection_failed(),
                format!("timeout connecting to {place}"),
            ),
            // The client must not learn to which address the name leads.
            Self::NotAllowed(_) => (
                Reply::destination_not_allowed(),
                format!("mail to {place} is not allowed"),
            ),
            Self::LoopsBack(_) => (
                Reply::loops_back(),
                format!("mail for {place} loops back to this host"),
            ),
            Self::OverRate => (
                Reply::over_rate(),
                format!("{place} takes no more messages just now, try again later"),
            ),
            Self::Busy => (
                Reply::overloaded(),
                format!("all connections to {place} are in use, try again later"),
            ),
            Self::Down {
                since, failures, ..
            } => (
                Reply::connection_failed(),
                format!(
                    "{place} has not answered for {} seconds and was tried {failures} times, try \
                     again later",
                    since.as_secs()
                ),
            ),
            Self::NoRoom => (
                Reply::overloaded(),
                format!("there are too many connections for one to {place}, try again later"),
            ),
            Self::Refused { phase, reply } => {
                let said: String = reply.to_string().chars().take(QUOTED_MAX).collect();
                (
                    Reply::session_refused(),
                    format!("{place} refused its service at {phase}: {said}"),
                )
            }
            Self::NoTls => (
                Reply::tls_not_offered(),
                format!("{place} does not offer STARTTLS, without which mail may not go there"),
            ),
            Self::GreetsInClear => (
                Reply::tls_not_offered(),
                format!(
                    "{place} greets in clear: TLS begins there with STARTTLS, and not with the first octet"
                ),
            ),
            Self::TlsFailed(error) => (
                Reply::tls_failed(),
                format!("no TLS with {place}: {}", Causes(error)),
            ),
            Self::TlsNeeded(error) => {
                let reply = error.reply_at(place);
                return Reply::encryption_needed().with_text(reply.text().to_owned());
            }
            Self::NotProved => (
                Reply::tls_failed(),
                format!(
                    "nothing proves that {place} takes the mail of its domain, which the message needs"
                ),
            ),
            Self::NoTrust => (
                Reply::tls_failed(),
                format!("nobody is known who vouches for {place}, which the message needs"),
            ),
            Self::NoMechanism => (
                Reply::login_failed(),
                format!("{place} offers no way to authenticate that we know"),
            ),
            Self::LoginRefused(reply) => {
                let said: String = reply.to_string().chars().take(QUOTED_MAX).collect();
                (
                    Reply::login_failed(),
                    format!("{place} refused our authentication: {said}"),
                )
            }
            Self::LoginFailed(error) => (
                Reply::login_failed(),
                format!("cannot authenticate to {place}: {error}"),
            ),
            Self::Timeout(phase) => (
                Reply::conversation_timed_out(),
                format!("timeout waiting for {place} at {phase}"),
            ),
            Self::Disconnected(phase) => (
                Reply::connection_lost(),
                format!("lost the connection to {place} at {phase}"),
            ),
            Self::InvalidReply { phase, source } => (
                Reply::bad_upstream_reply(),
                format!("{place} broke the protocol at {phase}: {source}"),
            ),
            Self::UnexpectedReply { phase, code } => (
                Reply::bad_upstream_reply(),
                format!("{place} broke the protocol at {phase}: reply {code} makes no sense there"),
            ),
            Self::Unsendable(unsendable) => return unsendable_reply(*unsendable, place),
        };
        reply.with_text(text)
    }
}

fn unsendable_reply(unsendable: Unsendable, place: &Place) -> Reply {
    let lacks = |keyword| format!("{place} does not offer {keyword}, which the message needs");
    let (reply, text) = match unsendable {
        Unsendable::TooBig => (
            Reply::message_too_big(),
            format!("message is larger than {place} takes"),
        ),
        Unsendable::NeedsSmtputf8 => (Reply::utf8_not_supported(), lacks("SMTPUTF8")),
        Unsendable::Needs8bitmime => (Reply::eight_bit_not_supported(), lacks("8BITMIME")),
        Unsendable::NeedsBinarymime => (Reply::binary_not_supported(), lacks("BINARYMIME")),
        Unsendable::NeedsRequiretls => (Reply::requiretls_not_supported(), lacks("REQUIRETLS")),
    };
    reply.with_text(text)
}

#[cfg(test)]
mod tests {
    use std::{io, time::Duration};

    use koukan_core::reply::RemoteMta;
    use rstest::rstest;
    use tokio::time::Instant;

    use super::*;

    #[rstest]
    #[case(ClientError::NoAddress("x".into()), "451 4.4.3")]
    #[case(ClientError::Timeout(Phase::Resolve), "451 4.4.3")]
    #[case(ClientError::Timeout(Phase::Connect), "451 4.4.1")]
    #[case(ClientError::Timeout(Phase::Rcpt), "451 4.4.2")]
    #[case(ClientError::Disconnected(Phase::Data), "451 4.4.2")]
    #[case(ClientError::SourceNotHere([192, 0, 2, 9].into()), "451 4.3.0")]
    #[case(ClientError::NotAllowed(([127, 0, 0, 1], 25).into()), "550 5.7.1")]
    #[case(ClientError::LoopsBack(([127, 0, 0, 1], 25).into()), "554 5.4.6")]
    #[case(ClientError::OverRate, "450 4.4.5")]
    #[case(ClientError::Busy, "451 4.3.2")]
    #[case(ClientError::NoRoom, "451 4.3.2")]
    #[case(down(), "451 4.4.1")]
    #[case(refused(), "451 4.3.2")]
    #[case(ClientError::NoTls, "451 4.7.4")]
    #[case(ClientError::GreetsInClear, "451 4.7.4")]
    #[case(ClientError::Timeout(Phase::TlsHandshake), "451 4.4.2")]
    #[case(ClientError::TlsFailed(io::ErrorKind::InvalidData.into()), "451 4.7.5")]
    #[case(ClientError::TlsNeeded(Box::new(ClientError::NoTls)), "550 5.7.10")]
    #[case(ClientError::TlsNeeded(Box::new(ClientError::NotProved)), "550 5.7.10")]
    #[case(ClientError::TlsNeeded(Box::new(ClientError::NoTrust)), "550 5.7.10")]
    #[case(ClientError::NoMechanism, "451 4.7.8")]
    #[case(ClientError::LoginRefused(Reply::authentication_failed()), "451 4.7.8")]
    #[case(ClientError::LoginFailed(crate::sasl::Failed::Impostor), "451 4.7.8")]
    #[case(connect_failed(), "451 4.4.1")]
    #[case(ClientError::Unsendable(Unsendable::TooBig), "552 5.3.4")]
    #[case(ClientError::Unsendable(Unsendable::NeedsSmtputf8), "553 5.6.7")]
    #[case(ClientError::Unsendable(Unsendable::Needs8bitmime), "554 5.6.3")]
    #[case(ClientError::Unsendable(Unsendable::NeedsRequiretls), "550 5.7.30")]
    fn failures_have_their_replies_and_name_the_host(
        #[case] error: ClientError,
        #[case] start: &str,
    ) {
        let place = Place::Address(RemoteMta {
            host: "mx.example".into(),
            address: ([192, 0, 2, 1], 25).into(),
        });
        let reply = error.reply_at(&place).to_string();
        assert!(reply.starts_with(start), "{reply}");
        assert!(reply.contains("mx.example (192.0.2.1:25)"), "{reply}");
    }

    fn refused() -> ClientError {
        ClientError::Refused {
            phase: Phase::Ehlo,
            reply: Reply::policy_refused(),
        }
    }

    fn down() -> ClientError {
        ClientError::Down {
            since: Duration::from_secs(3),
            failures: 2,
            until: Instant::now(),
        }
    }

    fn connect_failed() -> ClientError {
        ClientError::ConnectFailed {
            address: ([192, 0, 2, 1], 25).into(),
            source: io::ErrorKind::ConnectionRefused.into(),
        }
    }

    #[test]
    fn what_a_server_refused_with_is_repeated_in_one_line() {
        let place = Place::Host("mx.example:25".parse().unwrap());
        let reply = refused().reply_at(&place).to_string();
        let expected = "451 4.3.2 mx.example:25 refused its service at EHLO: \
                        550 5.7.1 refused by policy";
        assert_eq!(reply, expected);
        let long = Reply::policy_refused().with_text("x\n".repeat(10_000));
        let error = ClientError::Refused {
            phase: Phase::Greeting,
            reply: long,
        };
        let reply = error.reply_at(&place);
        assert!(reply.text().len() < 600 && !reply.text().contains('\n'));
    }
}
