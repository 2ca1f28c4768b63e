//! What the log tells of transactions that are kept for later.

use crate::{lists::List, reply::Reply};

use super::{
    live::Live,
    record::{Due, Status, Work},
};

/// Recipients that an event names, at most.
const NAMED: usize = 10;

/// Logs that a transaction waits in the queue for an attempt; `reply` is what the last one was
/// answered.
pub(super) fn tell(live: &Live, status: &Status, reply: Option<&Reply>) {
    let Status::Due(Due { at, work }) = status else {
        return;
    };
    if *work != Work::Attempt || !tracing::enabled!(tracing::Level::INFO) {
        return;
    }
    let (recipients, attempts) = {
        let state = live.lock();
        let waiting = state.recipients.iter();
        let waiting = waiting.filter(|recipient| recipient.settled.is_none());
        let named = waiting.map(|recipient| &recipient.rcpt.forward_path);
        (List::of(named.take(NAMED)), state.attempt_count)
    };
    tracing::info!(
        id = %live.id,
        sender = %live.context.sender,
        mail_from = live.mail().map(|mail| tracing::field::display(&mail.reverse_path)),
        recipients = recipients.as_field(),
        attempts,
        reply = reply.map(tracing::field::display),
        next_attempt = %at,
        "queued, next attempt at {at}",
    );
}
