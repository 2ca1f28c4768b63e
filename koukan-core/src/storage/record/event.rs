//! Changes of transactions, stored for readers of events.
//!
//! | write | events |
//! |---|---|
//! | a transaction that is to be delivered | `queued`; after an attempt, those of a settlement |
//! | a draft | none, until it is completed |
//! | a settlement | for each recipient whose state it changes `delivered`, `deferred`, `failed` or `expired`; `bounced` with a notification; `cancelled`, `abandoned` |
//! | a hold, a release | `held`, `released` |
//! | a summary | `delivered`, for each recipient that was |
//!
//! The last event of the commit that ends a transaction gives the final reason; if there is no other
//! event, that is `ended`. A retry by an operator changes no state, and is no event.

use jiff::Timestamp;

use crate::{
    context::{Context, Sender},
    reply::{RemoteMta, Reply},
    signals::{Carried, TraceId},
};

use super::{
    Attempt, FinalReason, NewTransaction, Recipient, RecipientOutcome, Settlement, Status,
    TransactionId, Work,
};

/// A change of the state of a transaction, or of one of its recipients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// The transaction.
    pub transaction: TransactionId,
    /// The id of the message, which all its transactions share.
    pub message: TraceId,
    /// The sender.
    pub sender: Sender,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub kind: EventKind,
    /// The forward-path of the recipient that it is about; `None` where it is about the transaction.
    pub recipient: Option<Box<str>>,
    /// The reply that decided, without extensions.
    pub reply: Option<Reply>,
    /// The host that gave it, if one did.
    pub remote: Option<RemoteMta>,
    /// How many attempts there were.
    pub attempts: u32,
    /// The earliest time of the next attempt.
    pub next_attempt: Option<Timestamp>,
    /// The transaction of the notification that was queued.
    pub notification: Option<TransactionId>,
    /// The final reason, if the transaction is over from then on.
    pub end: Option<FinalReason>,
}

/// A stored event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptEvent {
    /// Grows by one with each event; the first is 1. The events of one transaction are in the order
    /// in which they were committed.
    pub number: u64,
    /// What happened.
    pub event: NewEvent,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventKind {
    /// The agent has promised to deliver the transaction.
    Queued,
    /// A destination has accepted the message for the recipient.
    Delivered,
    /// The recipient was refused transiently, and waits for the next attempt.
    Deferred,
    /// The recipient was refused permanently, or bounced by an operator.
    Failed,
    /// The recipient was refused transiently until attempts or time ran out.
    Expired,
    /// The transaction was cancelled.
    Cancelled,
    /// The transaction was given up, since its message did not come in time.
    Abandoned,
    /// The transaction is held.
    Held,
    /// The hold has ended.
    Released,
    /// A notification of the failure is in the queue.
    Bounced,
    /// The transaction is over; the results for its recipients were reported before.
    Ended,
}

/// What all events in one commit of a transaction have in common.
pub(in crate::storage) struct EventSource {
    pub(in crate::storage) transaction: TransactionId,
    pub(in crate::storage) message: TraceId,
    pub(in crate::storage) sender: Sender,
    pub(in crate::storage) at: Timestamp,
    pub(in crate::storage) attempts: u32,
}

impl EventKind {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Queued,
        Self::Delivered,
        Self::Deferred,
        Self::Failed,
        Self::Expired,
        Self::Cancelled,
        Self::Abandoned,
        Self::Held,
        Self::Released,
        Self::Bounced,
        Self::Ended,
    ];

    /// A word for it, as in the REST API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Delivered => "delivered",
            Self::Deferred => "deferred",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Abandoned => "abandoned",
            Self::Held => "held",
            Self::Released => "released",
            Self::Bounced => "bounced",
            Self::Ended => "ended",
        }
    }

    /// The kind with this word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    fn of_settled(reply: &Reply) -> Self {
        match RecipientOutcome::of(reply.clone()) {
            RecipientOutcome::Delivered(_) => Self::Delivered,
            RecipientOutcome::Permanent(_) => Self::Failed,
            RecipientOutcome::Transient(_) => Self::Expired,
        }
    }
}

// === impl NewEvent ===

impl NewEvent {
    /// The event that a transaction with this many attempts was held or released.
    pub fn of_hold(
        (transaction, attempts): (TransactionId, u32),
        (context, signals): (&Context, &Carried),
        kind: EventKind,
        at: Timestamp,
    ) -> Self {
        let source = EventSource {
            transaction,
            message: message_of(transaction, signals),
            sender: context.sender.clone(),
            at,
            attempts,
        };
        source.event(kind)
    }
}

impl NewTransaction {
    /// The events of committing this: a pure function, for backends that keep events.
    pub fn events(&self) -> Vec<NewEvent> {
        if matches!(&self.status, Status::Due(due) if due.work == Work::Abandon) {
            return Vec::new();
        }
        let source = self.event_source();
        let mut events = Vec::with_capacity(1);
        if self.body.is_some() {
            let mut queued = source.event(EventKind::Queued);
            queued.at = self.created;
            queued.attempts = 0;
            queued.next_attempt = self.signals.send_at().filter(|_| self.attempts.is_empty());
            events.push(queued);
        }
        source.recipients(
            &[],
            &self.recipients,
            self.attempts.last(),
            &self.status,
            &mut events,
        );
        source.end(&self.status, &mut events);
        events
    }

    /// The events of a summary of a transaction that was never committed: refusals were reported to
    /// its client.
    pub fn summary_events(&self) -> Vec<NewEvent> {
        let source = self.event_source();
        let mut events = Vec::new();
        let last = self.attempts.last();
        let given = last.filter(|attempt| attempt.given_final_reply().is_some());
        let mut recipients = self.recipients.clone();
        for (index, recipient) in recipients.iter_mut().enumerate() {
            // If nobody has drawn a conclusion from the attempt, its own result counts.
            let outcome = || Some(given?.outcome(index).reply().clone());
            recipient.settled = recipient.settled.take().or_else(outcome);
        }
        source.recipients(&[], &recipients, last, &self.status, &mut events);
        events.retain(|event| event.kind == EventKind::Delivered);
        if !events.is_empty() {
            source.end(&self.status, &mut events);
        }
        events
    }

    fn event_source(&self) -> EventSource {
        let last = self.attempts.last();
        EventSource {
            transaction: self.id,
            message: message_of(self.id, &self.signals),
            sender: self.context.sender.clone(),
            at: last.map_or(self.created, |attempt| attempt.ended),
            attempts: u32::try_from(self.attempts.len()).unwrap_or(u32::MAX),
        }
    }
}

// === impl EventSource ===

impl EventSource {
    /// The events of a settlement, where the recipients stood like this `before`, and the sender is
    /// `told` by this notification.
    pub(in crate::storage) fn of_settlement(
        &self,
        before: &[Recipient],
        settlement: &Settlement,
        told: Option<TransactionId>,
    ) -> Vec<NewEvent> {
        let Settlement {
            attempt,
            recipients,
            status,
            ..
        } = settlement;
        let mut events = Vec::with_capacity(1);
        self.recipients(before, recipients, attempt.as_ref(), status, &mut events);
        if told.is_some() {
            events.push(NewEvent {
                notification: told,
                ..self.event(EventKind::Bounced)
            });
        }
        self.end(status, &mut events);
        events
    }

    /// The results for the recipients that were not settled before.
    fn recipients(
        &self,
        before: &[Recipient],
        after: &[Recipient],
        attempt: Option<&Attempt>,
        status: &Status,
        events: &mut Vec<NewEvent>,
    ) {
        let next_attempt = match status {
            Status::Due(due) if due.work == Work::Attempt => Some(due.at),
            _ => None,
        };
        for (index, recipient) in after.iter().enumerate() {
            let was_settled = before.get(index).is_some_and(|it| it.settled.is_some());
            let (kind, reply, next_attempt) = match (&recipient.settled, attempt) {
                _ if was_settled => continue,
                (Some(reply), _) => (EventKind::of_settled(reply), Some(reply.clone()), None),
                (None, Some(attempt)) if next_attempt.is_some() => {
                    let given = attempt.given_final_reply();
                    let reply = given.map(|_| attempt.outcome(index).reply().clone());
                    (EventKind::Deferred, reply, next_attempt)
                }
                (None, _) => continue,
            };
            let remote = attempt.and_then(|attempt| attempt.remote.clone());
            events.push(NewEvent {
                recipient: Some(recipient.rcpt.forward_path.as_str().into()),
                reply: reply.map(Reply::without_extensions),
                remote,
                next_attempt,
                ..self.event(kind)
            });
        }
    }

    /// Sets the final reason, if it is over.
    fn end(&self, status: &Status, events: &mut Vec<NewEvent>) {
        let Status::Final(reason) = status else {
            return;
        };
        match reason {
            FinalReason::Cancelled => events.push(self.event(EventKind::Cancelled)),
            FinalReason::DownstreamTimeout => events.push(self.event(EventKind::Abandoned)),
            _ if events.is_empty() => events.push(self.event(EventKind::Ended)),
            _ => {}
        }
        if let Some(last) = events.last_mut() {
            last.end = Some(*reason);
        }
    }

    fn event(&self, kind: EventKind) -> NewEvent {
        NewEvent {
            transaction: self.transaction,
            message: self.message,
            sender: self.sender.clone(),
            at: self.at,
            kind,
            recipient: None,
            reply: None,
            remote: None,
            attempts: self.attempts,
            next_attempt: None,
            notification: None,
            end: None,
        }
    }
}

fn message_of(transaction: TransactionId, signals: &Carried) -> TraceId {
    signals.trace_id().unwrap_or_else(|| transaction.into())
}
