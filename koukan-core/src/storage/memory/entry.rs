//! A transaction in an in-memory store.

use std::time::Duration;

use jiff::Timestamp;

use crate::storage::{
    QueueState, crash_back_off,
    record::{
        Attempt, Due, IdempotencyKey, NewBody, NewEvent, NewTransaction, QueueAction,
        SchedulingKey, SessionId, Settlement, Standing, Status, StoredBody, StoredPart,
        StoredTransaction, Work,
    },
};

pub(super) struct Entry {
    pub(super) stored: StoredTransaction,
    pub(super) lease: Option<SessionId>,
    pub(super) fence: u64,
    pub(super) final_since: Option<Timestamp>,
    pub(super) idempotency_key: Option<IdempotencyKey>,
    /// The attempts before the last one, oldest first.
    earlier: Vec<Attempt>,
}

impl Entry {
    pub(super) fn new(new: NewTransaction) -> Self {
        let final_since = new.final_since();
        // A final transaction is not worked on.
        let lease = new.leased_by.filter(|_| final_since.is_none());
        let mut earlier = new.attempts;
        let attempt_count = u32::try_from(earlier.len()).unwrap_or(u32::MAX);
        let last_attempt = earlier.pop();
        Self {
            earlier,
            lease,
            fence: lease.is_some().into(),
            final_since,
            idempotency_key: new.idempotency_key,
            stored: StoredTransaction {
                id: new.id,
                created: new.created,
                context: new.context,
                signals: new.signals,
                mail: new.mail,
                recipients: new.recipients,
                body: new.body.map(stored_body),
                message_key: new.message_key,
                terms: new.terms,
                attempt_count,
                last_attempt,
                status: new.status,
                held: None,
                crashes: 0,
                // It is known where it is read.
                is_leased: false,
            },
        }
    }

    pub(super) fn due(&self) -> Option<Due> {
        match self.stored.status {
            Status::Due(due) => Some(due),
            Status::Final(_) => None,
        }
    }

    pub(super) fn scheduling_key(&self) -> SchedulingKey {
        SchedulingKey::of(&self.stored.context, &self.stored.recipients)
    }

    pub(super) fn standing(&self) -> Standing {
        match self.stored.crashes {
            0 => Standing::Clear,
            _ => Standing::Suspect,
        }
    }

    /// The newest time recorded in it.
    pub(super) fn newest(&self) -> Timestamp {
        let attempted = self.stored.last_attempt.as_ref();
        let attempted = attempted.map(|attempt| attempt.ended);
        let times = [attempted, self.final_since].into_iter().flatten();
        times.fold(self.stored.created, Timestamp::max)
    }

    /// Makes it due earlier, if it is due at all.
    pub(super) fn bring_forward(&mut self, by: Duration) {
        if let Status::Due(due) = &mut self.stored.status {
            let earlier = due.at.checked_sub(by).unwrap_or(Timestamp::MIN);
            due.at = due.brought_forward(earlier, self.stored.signals.send_at());
        }
    }

    pub(super) fn is_leased_by(&self, session: SessionId, fence: u64) -> bool {
        self.lease == Some(session) && self.fence == fence
    }

    /// Whether it can be completed: it is a draft, and never was leased.
    pub(super) fn is_open_draft(&self) -> bool {
        self.fence == 0 && self.due().is_some_and(|due| due.work == Work::Abandon)
    }

    /// The attempts, oldest first.
    pub(super) fn attempts(&self) -> Vec<Attempt> {
        let last = self.stored.last_attempt.as_ref();
        self.earlier.iter().chain(last).cloned().collect()
    }

    /// Records an operator's change.
    pub(super) fn change(&mut self, action: QueueAction, now: Timestamp) {
        if action.is_one_write() {
            self.stored.held = (action == QueueAction::Hold).then_some(now);
        }
        if let Status::Due(due) = &mut self.stored.status {
            due.at = action.due_after(*due, now, self.stored.signals.send_at());
        }
    }

    /// The event of a change.
    pub(super) fn event_of(&self, action: QueueAction, now: Timestamp) -> Option<NewEvent> {
        let kind = action.event_kind()?;
        let stored = &self.stored;
        let source = (&*stored.context, &stored.signals);
        let which = (stored.id, stored.attempt_count);
        Some(NewEvent::of_hold(which, source, kind, now))
    }

    pub(super) fn state(&self) -> QueueState {
        match self.stored.status {
            Status::Final(_) => QueueState::Finished,
            Status::Due(_) if self.lease.is_some() => QueueState::Active,
            Status::Due(_) if self.stored.held.is_some() => QueueState::Held,
            Status::Due(_) if self.stored.is_scheduled() => QueueState::Scheduled,
            Status::Due(_) => QueueState::Waiting,
        }
    }

    /// Takes away the lease of a dead session.
    pub(super) fn recover(&mut self, now: Timestamp) {
        self.lease = None;
        self.stored.crashes = self.stored.crashes.saturating_add(1);
        let back_off = crash_back_off(self.stored.crashes);
        if let Status::Due(due) = &mut self.stored.status {
            due.at = if back_off.is_zero() {
                due.at.min(now)
            } else {
                now + back_off
            };
        }
    }

    /// Ends the lease, and returns the notification to be written.
    pub(super) fn settle(&mut self, settlement: Settlement) -> Option<Box<NewTransaction>> {
        self.final_since = settlement.final_since();
        self.lease = None;
        self.stored.crashes = 0;
        if let Some(attempt) = settlement.attempt {
            self.stored.attempt_count = self.stored.attempt_count.saturating_add(1);
            self.earlier
                .extend(self.stored.last_attempt.replace(attempt));
        }
        self.stored.recipients = settlement.recipients;
        self.stored.status = settlement.status;
        // Only an attempt can be held.
        if self.due().is_none_or(|due| due.work != Work::Attempt) {
            self.stored.held = None;
        }
        settlement.notification
    }
}

fn stored_body(new: NewBody) -> StoredBody {
    let parts = new.parts.into_iter().map(|part| StoredPart {
        name: part.name,
        blob: part.blob,
        len: part.len,
    });
    StoredBody {
        prefix: new.prefix,
        blob: new.blob,
        len: new.len,
        kind: new.kind,
        parts: parts.collect(),
    }
}
