//! The log.

mod address;
mod hooks;

use std::time::Duration;

use tracing::{debug, info, trace, warn};

use crate::{
    event::{
        Accepted, Attempted, Connection, Deferred, Delivered, Ended, Event, Failed,
        LostNotification, Message, Notified, Observer, Operated, PolicyMatched, RecipientReplies,
        Refused,
    },
    id::TransactionId,
    lists::List,
    middleware::trace::TARGET,
    reply::Reply,
    signals::TraceId,
};

use self::address::{Address, Remote};

/// The target of lines about connections.
const CONNECTION: &str = "koukan::connection";
/// The target of lines about stored transactions.
const QUEUE: &str = "koukan::queue";

/// The target of lines about actions of operators.
const OPERATOR: &str = "koukan::operator";

/// The target of lines about policies.
const POLICY: &str = "koukan::policy";

/// How many recipients a line names.
const NAMED: usize = 10;

/// A line about a stored transaction, with the ids by which it can be found.
macro_rules! queue {
    ($level:ident, $message:expr, $($rest:tt)*) => {
        $level!(
            target: QUEUE,
            id = $message.trace.map(display),
            transaction = $message.id.map(display),
            $($rest)*
        )
    };
}

/// Writes what happens to the log, as events of [`tracing`].
///
/// | line | level | target |
/// |---|---|---|
/// | `connected`, `too many connections` | `TRACE`, `DEBUG` | `koukan::connection` |
/// | `transaction ended`, `attempt ended` | `INFO` | `koukan::transaction` |
/// | `refused a recipient`, `accepted a message` | `DEBUG` | `koukan::transaction` |
/// | `queued, next attempt at …` | `INFO` | `koukan::queue` |
/// | `failed for good`, `cancelled`, `given up: the message did not come`, `queued a notification` | `INFO` | `koukan::queue` |
/// | `a notification could not be delivered, and nobody is told of it` | `WARN` | `koukan::queue` |
/// | `the queue was changed`: by whom, the action, its target, how many | `INFO` | `koukan::operator` |
/// | `a rule matched`: its tag, the action, the reply | `INFO` | `koukan::policy` |
/// | `a webhook takes no events`, the first time; `a webhook takes events again`; `events are no longer kept that a webhook has not taken: …` | `WARN`, `INFO`, `WARN` | `koukan::webhook` |
/// | `a webhook still takes no events`, `a webhook was told of events` | `DEBUG` | `koukan::webhook` |
/// | `delivered` | `DEBUG` | `koukan::queue` |
///
/// # The end of a transaction
///
/// | field of `transaction ended` | is |
/// |---|---|
/// | `id` | the [`TraceId`](crate::signals::TraceId), also in the `Received` field |
/// | `sender` | the sender and tag |
/// | `remote_host` | the client's address, if there is one |
/// | `mail_from` | the reverse-path |
/// | `mail` | the reply to MAIL; missing where nobody waited for one |
/// | `recipients` | the first ten recipients and their reply codes, `bob@example.com=250`; with the code of a final reply of its own, `bob@example.com=250/450`: a [`List`] of [`RecipientReplies`](crate::event::RecipientReplies) |
/// | `recipient_count` | how many there were; recipients that reached no further stage are not counted |
/// | `refusals` | those of the first ten that were refused, each with the text of its reply: a [`List`] |
/// | `octets` | the size of the message as received |
/// | `host`, `address` | the host that gave or caused the final reply, where a destination's reply is passed on unchanged |
/// | `reply` | the final reply |
/// | `outcome` | `accepted`, `refused`, `failed` (something broke) or `aborted` (the originator went away) |
/// | `duration_ms` | from the call to its end |
///
/// # The end of an attempt
///
/// | field of `attempt ended` | is |
/// |---|---|
/// | `id` | the same |
/// | `transaction` | the transaction in storage, where that is another than `id` |
/// | `sender` | the sender and tag that the mail is queued for |
/// | `recipients`, `refusals` | as above, with the destination's replies; without recipients that were settled before |
/// | `recipient_count` | how many there were, if more than one |
/// | `mail` | the reply to MAIL, if it is negative |
/// | `host`, `address` | the host that replied last or caused the failure, where one was reached |
/// | `reply` | the final reply |
/// | `attempts` | the number of attempts, including this one |
/// | `duration_ms` | from its beginning to its end |
#[derive(Debug, Clone, Copy, Default)]
pub struct Log;

impl Observer for Log {
    fn observe(&self, event: &Event<'_>) {
        match event {
            Event::Ended(ended) => write_ended(ended),
            Event::Connected(connection) => write_connected(connection),
            Event::TurnedAway(connection) => write_turned_away(connection),
            // The session has logged why. A proxy's message is logged with the client.
            Event::Disconnected(..) | Event::AwaitsProxy(_) => {}
            Event::RecipientRefused(refused) => write_refused(refused),
            Event::Accepted(accepted) => write_accepted(accepted),
            Event::Attempted(attempted) => write_attempted(attempted),
            Event::Delivered(delivered) => write_delivered(delivered),
            Event::Deferred(deferred) => write_deferred(deferred),
            Event::Failed(failed) => write_failed(failed),
            Event::Cancelled(message) => write_end(message, "cancelled"),
            Event::Abandoned(message) => write_end(message, "given up: the message did not come"),
            Event::Notified(notified) => write_notified(notified),
            Event::NotificationLost(lost) => write_lost(lost),
            Event::Operated(operated) => write_operated(operated),
            Event::PolicyMatched(matched) => write_matched(matched),
            // A refusal is logged as such.
            Event::RecipientVerified(_) => {}
            // The scanner's filter has logged what is wrong.
            Event::Scanned(_) | Event::ScannerAsked(_) | Event::ScannerStands(_) => {}
            Event::HookCalled(called) => hooks::write_called(called),
            Event::HookLost(lost) => hooks::write_lost(lost),
            Event::HookLeftOut(left_out) => hooks::write_left_out(left_out),
            Event::HookGivenUp(given_up) => hooks::write_given_up(given_up),
            Event::HookResumed(resumed) => hooks::write_resumed(resumed),
            Event::HookLeft(left) => hooks::write_left(left),
        }
    }

    fn follows_transactions(&self) -> bool {
        tracing::enabled!(target: TARGET, tracing::Level::INFO)
    }
}

fn write_ended(ended: &Ended<'_>) {
    if !tracing::enabled!(target: TARGET, tracing::Level::INFO) {
        return;
    }
    let message = &ended.message;
    let refusals = refusals(ended.recipients);
    info!(
        target: TARGET,
        id = message.trace.map(display),
        sender = %message.context.sender,
        remote_host = message.context.remote_host.map(Address).map(display),
        mail_from = message.reverse_path.map(display),
        mail = ended.mail_reply.map(display),
        recipients = ended.recipients.as_field(),
        recipient_count = ended.recipient_count,
        refusals = refusals.as_ref().map(List::as_field),
        octets = ended.octets,
        host = ended.remote.map(|remote| display(&remote.host)),
        address = ended.remote.map(|remote| display(Remote(&remote.address))),
        reply = ended.reply.map(display),
        outcome = ended.outcome.as_str(),
        duration_ms = milliseconds(ended.duration),
        "transaction ended",
    );
}

fn write_operated(operated: &Operated<'_>) {
    info!(
        target: OPERATOR,
        by = %operated.by,
        action = operated.action,
        of = operated.target,
        matched = operated.matched,
        changed = operated.changed,
        "the queue was changed",
    );
}

fn write_matched(matched: &PolicyMatched<'_>) {
    info!(
        target: POLICY,
        id = matched.message.trace.map(display),
        sender = %matched.message.context.sender,
        remote_host = matched.message.context.remote_host.map(Address).map(display),
        mail_from = matched.message.reverse_path.map(display),
        recipient = matched.recipient.map(display),
        tag = matched.tag,
        rule = matched.rule,
        action = matched.action,
        reply = matched.reply.map(display),
        "a rule matched",
    );
}

fn write_attempted(attempted: &Attempted<'_>) {
    if !tracing::enabled!(target: TARGET, tracing::Level::INFO) {
        return;
    }
    let message = &attempted.message;
    let is_other = |id: &TransactionId| message.trace != Some(TraceId::from(*id));
    let is_refused = |reply: &&Reply| reply.is_negative();
    let count = attempted.recipient_count;
    let refusals = refusals(attempted.recipients);
    info!(
        target: TARGET,
        id = message.trace.map(display),
        transaction = message.id.filter(is_other).map(display),
        sender = %message.context.sender,
        recipients = attempted.recipients.as_field(),
        recipient_count = (count > 1).then_some(count),
        refusals = refusals.as_ref().map(List::as_field),
        mail = attempted.mail_reply.filter(is_refused).map(display),
        host = attempted.remote.map(|remote| display(&remote.host)),
        address = attempted.remote.map(|remote| display(Remote(&remote.address))),
        reply = %attempted.final_reply,
        attempts = attempted.number,
        duration_ms = milliseconds(attempted.duration),
        "attempt ended",
    );
}

/// The texts of the refusals, if there are any.
fn refusals(recipients: &List<RecipientReplies>) -> Option<List<String>> {
    let refusals = recipients.0.iter().filter_map(|recipient| {
        let reply = recipient.refusal()?;
        Some(format!("{}: {reply}", recipient.path))
    });
    let refusals: Vec<_> = refusals.collect();
    (!refusals.is_empty()).then_some(List(refusals))
}

/// To the microsecond.
#[allow(clippy::cast_precision_loss, reason = "nothing takes so long")]
fn milliseconds(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1e3
}

fn write_connected(connection: &Connection<'_>) {
    trace!(
        target: CONNECTION,
        protocol = connection.protocol.as_str(),
        remote = connection.remote_host.map(display),
        "connected",
    );
}

fn write_turned_away(connection: &Connection<'_>) {
    debug!(
        target: CONNECTION,
        protocol = connection.protocol.as_str(),
        remote = connection.remote_host.map(display),
        "too many connections, or too many errors of that client",
    );
}

fn write_refused(refused: &Refused<'_>) {
    debug!(
        target: TARGET,
        recipient = %refused.recipient,
        reply = %refused.reply,
        "refused a recipient",
    );
}

fn write_accepted(accepted: &Accepted<'_>) {
    let message = &accepted.message;
    debug!(
        target: TARGET,
        id = message.trace.map(display),
        transaction = message.id.map(display),
        sender = %message.context.sender,
        mail_from = message.reverse_path.map(display),
        custody = ?accepted.custody,
        "accepted a message",
    );
}

fn write_delivered(delivered: &Delivered<'_>) {
    let message = &delivered.message;
    queue!(
        debug,
        message,
        recipient = %delivered.recipient,
        attempts = delivered.attempt,
        host = delivered.remote.map(|remote| display(&remote.host)),
        address = delivered.remote.map(|remote| display(&remote.address)),
        reply = %delivered.reply,
        age_ms = delivered.age.as_secs_f64() * 1e3,
        "delivered",
    );
}

fn write_deferred(deferred: &Deferred<'_>) {
    if !tracing::enabled!(target: QUEUE, tracing::Level::INFO) {
        return;
    }
    let message = &deferred.message;
    let recipients = List::of(deferred.recipients.iter().take(NAMED));
    let at = deferred.next_attempt;
    queue!(
        info,
        message,
        sender = %message.context.sender,
        mail_from = message.reverse_path.map(display),
        recipients = recipients.as_field(),
        attempts = deferred.attempts,
        reply = deferred.reply.map(display),
        next_attempt = %at,
        "queued, next attempt at {at}",
    );
}

fn write_failed(failed: &Failed<'_>) {
    let message = &failed.message;
    queue!(
        info,
        message,
        sender = %message.context.sender,
        mail_from = message.reverse_path.map(display),
        recipient = %failed.recipient,
        attempts = failed.attempts,
        reply = %failed.reply,
        "failed for good",
    );
}

fn write_end(message: &Message<'_>, what: &str) {
    queue!(
        info,
        message,
        sender = %message.context.sender,
        mail_from = message.reverse_path.map(display),
        "{what}",
    );
}

fn write_notified(notified: &Notified<'_>) {
    let message = &notified.message;
    queue!(
        info,
        message,
        to = message.reverse_path.map(display),
        notification = %notified.notification,
        "queued a notification",
    );
}

fn write_lost(lost: &LostNotification<'_>) {
    let to: Vec<_> = lost.recipients.iter().map(|to| to.as_str()).collect();
    queue!(
        warn,
        lost.message,
        to = %to.join(" "),
        about = %lost.about.join(" "),
        reply = %lost.reply,
        "a notification could not be delivered, and nobody is told of it"
    );
}
