//! The reports about attempts.

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    event::{self, Attempted, Delivered, Event, LostNotification},
    lists::List,
    storage::{
        Lease,
        record::{Attempt, Recipient, RecipientOutcome},
    },
};

/// How many recipients a report names.
const NAMED: usize = 10;

/// Reports an attempt that has ended with replies, and the recipients that it delivered to.
pub(super) fn attempted(lease: &Lease, attempt: &Attempt) {
    let observers = lease.storage().observers();
    if observers.is_empty() {
        return;
    }
    let message = lease.as_message();
    let number = lease.attempt_count().saturating_add(1);
    let duration = between(attempt.started, attempt.ended);
    let recipients = lease.recipients();
    let is_open = |(_, recipient): &(usize, &Recipient)| recipient.settled.is_none();
    let open = recipients.iter().enumerate().filter(is_open);
    let named = { open.clone() }.take(NAMED);
    let named = List(
        named
            .map(|(index, to)| replies(attempt, index, to))
            .collect(),
    );
    observers.tell(&Event::Attempted(&Attempted {
        message,
        number,
        recipients: &named,
        recipient_count: open.clone().count(),
        mail_reply: attempt.mail_reply.as_ref(),
        final_reply: &attempt.final_reply,
        remote: attempt.remote.as_ref(),
        duration,
    }));
    for (index, recipient) in open {
        if let RecipientOutcome::Delivered(reply) = attempt.outcome(index) {
            let remote = attempt.final_reply_for(index).server();
            observers.tell(&Event::Delivered(Delivered {
                message,
                recipient: &recipient.rcpt.forward_path,
                reply: &reply,
                remote: remote.or(attempt.remote.as_ref()),
                attempt: number,
                duration,
                age: between(lease.begins(), attempt.ended),
            }));
        }
    }
}

/// The destination's replies for the recipient at `index`.
fn replies(attempt: &Attempt, index: usize, to: &Recipient) -> event::RecipientReplies {
    let reply = attempt.recipient_replies.get(index).cloned().flatten();
    let last = attempt.final_reply_for(index);
    let has_own = last.code() != attempt.final_reply.code();
    event::RecipientReplies {
        path: to.rcpt.forward_path.clone(),
        position: index,
        reply,
        final_reply: has_own.then(|| last.clone()),
    }
}

/// Reports that an attempt has lost a notification; `about` are the recipients whose failure it
/// reports.
pub(super) fn lost(lease: &Lease, attempt: &Attempt, about: &[String]) {
    let observers = lease.storage().observers();
    observers.tell(&Event::NotificationLost(LostNotification {
        message: lease.as_message(),
        recipients: &Recipient::open(&lease.recipients()),
        about,
        reply: &attempt.final_reply,
    }));
}

/// Zero where the clock was set back.
fn between(earlier: Timestamp, later: Timestamp) -> Duration {
    Duration::try_from(later.duration_since(earlier)).unwrap_or_default()
}
