//! Turns the server's answer into a reply.

use http::StatusCode;
use koukan_core::reply::{EnhancedCode, FromUpstream, Reply, RetryAfter};

use crate::webhook::NotTaken;

/// The reply to the client that waits.
pub(super) fn verdict(taken: Result<(), NotTaken>) -> Reply {
    let Err(not_taken) = taken else {
        return Reply::message_accepted().with_extension(FromUpstream);
    };
    let said = not_taken.said.as_deref();
    let reply = match not_taken.status {
        None => Reply::connection_failed(),
        Some(
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS,
        ) => in_its_words(Reply::overloaded(), said),
        Some(status) if status.is_client_error() => in_its_words(Reply::policy_refused(), said),
        Some(_) => Reply::destination_failed(),
    };
    tracing::info!(what = not_taken.what, %reply, "a webhook has not taken a message");
    match not_taken.retry_after {
        Some(wait) if reply.is_transient() => reply.with_extension(RetryAfter(wait)),
        _ => reply,
    }
}

/// The reply with the server's text, if it sent any.
fn in_its_words(reply: Reply, said: Option<&str>) -> Reply {
    let said = said.map(str::trim).filter(|said| !said.is_empty());
    let Some(said) = said else {
        return reply.with_extension(FromUpstream);
    };
    let (code, general) = (reply.code(), reply.enhanced());
    let class = general.map(EnhancedCode::class);
    let (first, text) = said.split_once(' ').unwrap_or((said, ""));
    let named = first.parse::<EnhancedCode>().ok();
    let named = named.filter(|named| Some(named.class()) == class && !text.trim().is_empty());
    let reply = match named {
        Some(named) => Reply::copied(code, Some(named), text.trim()),
        None => Reply::copied(code, general, said),
    };
    reply.with_extension(FromUpstream)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_status_decides_and_the_words_are_the_servers() {
        for (status, said, expected) in [
            (400, None, "550 5.7.1 refused by policy"),
            (403, Some("no"), "550 5.7.1 no"),
            (404, Some("5.1.1 no such user"), "550 5.1.1 no such user"),
            (404, Some("5.1.1"), "550 5.7.1 5.1.1"),
            // An enhanced code of another class does not fit, so it stays in the text.
            (
                404,
                Some("4.2.2 mailbox full"),
                "550 5.7.1 4.2.2 mailbox full",
            ),
            (422, Some(" \t "), "550 5.7.1 refused by policy"),
            (422, Some("one\r\n250 two\0"), "550 5.7.1 one / 250 two?"),
            (429, Some("4.7.1 slow down"), "451 4.7.1 slow down"),
            (408, Some("5.0.0 never"), "451 4.3.2 5.0.0 never"),
            // The text of a server error is not passed on.
            (
                500,
                Some("panic at main.rs"),
                "451 4.4.0 destination host failed, try again later",
            ),
            (
                308,
                Some("elsewhere"),
                "451 4.4.0 destination host failed, try again later",
            ),
        ] {
            let reply = verdict(Err(NotTaken {
                what: String::new(),
                status: Some(StatusCode::from_u16(status).unwrap()),
                retry_after: None,
                said: said.map(Into::into),
            }));
            assert_eq!(reply.to_string(), expected, "{status} {said:?}");
        }
        assert_eq!(verdict(Ok(())), Reply::message_accepted());
    }

    #[test]
    fn who_asks_for_time_is_heard_unless_the_message_is_refused_for_good() {
        let asked = Duration::from_secs(90);
        for (status, expected) in [
            (429, Some(RetryAfter(asked))),
            (503, Some(RetryAfter(asked))),
            (403, None),
        ] {
            let reply = verdict(Err(NotTaken {
                what: String::new(),
                status: Some(StatusCode::from_u16(status).unwrap()),
                retry_after: Some(asked),
                said: None,
            }));
            let found = reply.extensions().get::<RetryAfter>().copied();
            assert_eq!(found, expected, "{status}");
        }
    }
}
