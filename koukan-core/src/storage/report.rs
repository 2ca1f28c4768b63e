//! The reports about stored transactions.

use crate::{
    event::{Accepted, Custodian, Deferred, Event, Failed, Message, Notified, Observers},
    reply::Reply,
};

use super::{
    AttemptEnd, Storage,
    lease::Lease,
    live::Live,
    record::{Due, FinalReason, Recipient, Status, TransactionId, Work},
};

impl Storage {
    /// Those who are told what happens.
    pub fn observers(&self) -> &Observers {
        &self.0.observers
    }

    /// Reports the next step of a transaction in custody, and the recipients for which nothing more
    /// is tried: those of `after` that were not settled `before`.
    pub(super) fn report_settled(
        &self,
        live: &Live,
        before: &[Recipient],
        after: &[Recipient],
        status: &Status,
        reply: Option<&Reply>,
    ) {
        let message = live.as_message();
        let attempts = live.lock().attempt_count;
        for (before, after) in before.iter().zip(after) {
            if before.settled.is_none()
                && let Some(reply) = &after.settled
                && reply.is_negative()
            {
                let recipient = &after.rcpt.forward_path;
                self.observers().tell(&Event::Failed(Failed {
                    message,
                    recipient,
                    reply,
                    attempts,
                }));
            }
        }
        if let Status::Due(Due { at, work }) = status
            && *work == Work::Attempt
        {
            self.observers().tell(&Event::Deferred(Deferred {
                message,
                recipients: &Recipient::open(after),
                attempts,
                reply,
                next_attempt: *at,
            }));
        }
    }

    /// As `report_settled`, for a transaction that was taken into custody after its attempt, if there
    /// was one.
    pub(super) fn report_kept(
        &self,
        live: &Live,
        before: &[Recipient],
        status: &Status,
        end: Option<&AttemptEnd>,
    ) {
        if self.observers().is_empty() {
            return;
        }
        let after = live.lock().recipients.clone();
        let reply = end.and_then(|end| end.attempt.given_final_reply());
        self.report_settled(live, before, &after, status, reply);
    }

    /// Reports that the originator of a transaction that is created by requests is told that its
    /// message was accepted.
    pub(super) fn report_accepted(&self, live: &Live, custody: Custodian) {
        let message = live.as_message();
        self.observers()
            .tell(&Event::Accepted(Accepted { message, custody }));
    }

    /// Reports the end of a transaction that was never committed: it was cancelled, given up or
    /// delivered.
    pub(super) fn report_uncommitted(&self, live: &Live, status: &Status) {
        match status {
            Status::Final(FinalReason::Delivered | FinalReason::PartlyDelivered) => {
                self.report_accepted(live, Custodian::Upstream);
            }
            status => self.report_over(live, status),
        }
    }

    /// Reports the end of a transaction that was cancelled or given up.
    pub(super) fn report_over(&self, live: &Live, status: &Status) {
        let message = live.as_message();
        match status {
            Status::Final(FinalReason::Cancelled) => {
                self.observers().tell(&Event::Cancelled(message));
            }
            Status::Final(FinalReason::DownstreamTimeout) => {
                self.observers().tell(&Event::Abandoned(message));
            }
            _ => {}
        }
    }

    /// Reports that a notification about a transaction is in the queue.
    pub(super) fn report_notified(&self, live: &Live, notification: TransactionId) {
        let message = live.as_message();
        self.observers().tell(&Event::Notified(Notified {
            message,
            notification,
        }));
    }
}

impl Live {
    /// The message, as events name it.
    pub(super) fn as_message(&self) -> Message<'_> {
        Message {
            trace: Some(self.trace_id()),
            id: Some(self.id),
            context: &self.context,
            reverse_path: self.mail().map(|mail| &mail.reverse_path),
        }
    }
}

impl Lease {
    /// The message, as events name it.
    pub(crate) fn as_message(&self) -> Message<'_> {
        self.live.as_message()
    }
}
