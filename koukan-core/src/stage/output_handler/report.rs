//! What observers are told of attempts.

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    event::{Attempted, Delivered, Event, LostNotification},
    storage::{
        Lease,
        record::{Attempt, Recipient, RecipientOutcome},
    },
};

/// Reports an attempt that has ended with replies, and whom it delivered to.
pub(super) fn attempted(lease: &Lease, attempt: &Attempt) {
    let observers = lease.storage().observers();
    if observers.is_empty() {
        return;
    }
    let message = lease.as_message();
    let number = lease.attempt_count().saturating_add(1);
    let duration = between(attempt.started, attempt.ended);
    let recipients = lease.recipients();
    observers.tell(&Event::Attempted(&Attempted {
        message,
        number,
        recipients: &Recipient::open(&recipients),
        mail_reply: attempt.mail_reply.as_ref(),
        final_reply: &attempt.final_reply,
        remote: attempt.remote.as_ref(),
        duration,
    }));
    for (index, recipient) in recipients.iter().enumerate() {
        if recipient.settled.is_none()
            && let RecipientOutcome::Delivered(reply) = attempt.outcome(index)
        {
            let remote = attempt.final_reply_for(index).server();
            observers.tell(&Event::Delivered(Delivered {
                message,
                recipient: &recipient.rcpt.forward_path,
                reply: &reply,
                remote: remote.or(attempt.remote.as_ref()),
                attempt: number,
                duration,
                age: between(lease.created(), attempt.ended),
            }));
        }
    }
}

/// Reports that a notification is lost with an attempt; `about` are those whose failure it tells of.
pub(super) fn lost(lease: &Lease, attempt: &Attempt, about: &[String]) {
    let observers = lease.storage().observers();
    observers.tell(&Event::NotificationLost(LostNotification {
        message: lease.as_message(),
        recipients: &Recipient::open(&lease.recipients()),
        about,
        reply: &attempt.final_reply,
    }));
}

/// None where the clock was set back.
fn between(earlier: Timestamp, later: Timestamp) -> Duration {
    Duration::try_from(later.duration_since(earlier)).unwrap_or_default()
}
