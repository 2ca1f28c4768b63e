//! Failures as replies: the one place where the ones become the others.

use koukan_core::reply::Reply;

use crate::{client::Phase, codec::Unsendable};

use super::ClientError;

impl From<ClientError> for Reply {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Refused(reply) => reply,
            ClientError::ResolveFailed { .. }
            | ClientError::NoAddress(_)
            | ClientError::Timeout(Phase::Resolve) => Self::directory_failed(),
            ClientError::ConnectFailed { .. } | ClientError::Timeout(Phase::Connect) => {
                Self::connection_failed()
            }
            ClientError::Busy => Self::overloaded(),
            ClientError::Timeout(_) => Self::conversation_timed_out(),
            ClientError::Disconnected(_) => Self::connection_lost(),
            ClientError::InvalidReply { .. } | ClientError::UnexpectedReply { .. } => {
                Self::bad_upstream_reply()
            }
            ClientError::Unsendable(unsendable) => match unsendable {
                Unsendable::TooBig => Self::message_too_big(),
                Unsendable::NeedsSmtputf8 => Self::utf8_not_supported(),
                Unsendable::Needs8bitmime => Self::eight_bit_not_supported(),
                Unsendable::NeedsBinarymime => Self::binary_not_supported(),
                Unsendable::NeedsRequiretls => Self::requiretls_not_supported(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(ClientError::NoAddress("x".into()), "451 4.4.3")]
    #[case(ClientError::Timeout(Phase::Resolve), "451 4.4.3")]
    #[case(ClientError::Timeout(Phase::Connect), "451 4.4.1")]
    #[case(ClientError::Timeout(Phase::Rcpt), "451 4.4.2")]
    #[case(ClientError::Disconnected(Phase::Data), "451 4.4.2")]
    #[case(ClientError::Busy, "451 4.3.2")]
    #[case(ClientError::Refused(Reply::policy_refused()), "550 5.7.1")]
    #[case(ClientError::Unsendable(Unsendable::TooBig), "552 5.3.4")]
    #[case(ClientError::Unsendable(Unsendable::NeedsSmtputf8), "553 5.6.7")]
    #[case(ClientError::Unsendable(Unsendable::Needs8bitmime), "554 5.6.3")]
    fn failures_have_their_replies(#[case] error: ClientError, #[case] start: &str) {
        let reply = Reply::from(error).to_string();
        assert!(reply.starts_with(start), "{reply}");
    }

    #[test]
    fn a_refused_connection_may_work_later() {
        let error = ClientError::ConnectFailed {
            address: ([127, 0, 0, 1], 25).into(),
            source: io::ErrorKind::ConnectionRefused.into(),
        };
        assert_eq!(Reply::from(error), Reply::connection_failed());
    }
}
