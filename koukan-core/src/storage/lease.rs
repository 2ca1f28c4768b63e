//! The output side's handle of a transaction: the right to make one attempt at it.

use std::{
    fmt,
    sync::Arc,
    task::{self, Poll},
};

use jiff::Timestamp;

use crate::{
    context::Context,
    signals::{Signals, TraceId},
    transaction::{Mail, Rcpt},
};

use super::{
    Answer, AttemptEnd, BackendError, Storage,
    conclude::final_reason,
    drain::{Gone, Halt},
    lease_body::LeaseBody,
    live::{Durability, Live, Side},
    live_body::LiveBody,
    record::{
        Attempt, Due, FinalReason, Leased, NewTransaction, Recipient, Settlement, Shown, Status,
        Terms, TransactionId, Work,
    },
};

/// A transaction to be attempted, which nobody else works on.
///
/// While the transaction arrives, recipients and body come one by one; once it was read back from
/// the backend, all is there. Dropping the lease before it is finished gives it back.
pub struct Lease {
    pub(super) storage: Storage,
    pub(super) live: Arc<Live>,
    work: Work,
    pub(super) attempt_count: u32,
    last_attempt: Option<Arc<Attempt>>,
    next_recipient: usize,
    pub(super) is_finished: bool,
}

impl Lease {
    pub(super) fn of_new(storage: Storage, live: Arc<Live>) -> Self {
        Self {
            storage,
            live,
            work: Work::Attempt,
            attempt_count: 0,
            last_attempt: None,
            next_recipient: 0,
            is_finished: false,
        }
    }

    pub(super) fn of_stored(storage: Storage, leased: Leased) -> Self {
        let Leased { transaction, fence } = leased;
        let work = match transaction.status {
            Status::Due(Due { work, .. }) => work,
            Status::Final(_) => Work::Attempt,
        };
        let attempt_count = transaction.attempt_count;
        let last_attempt = transaction.last_attempt.clone().map(Arc::new);
        let terms = transaction.terms;
        let recipients = transaction.recipients.clone();
        // Nobody but this session can have changed it since it was read.
        let registry = &storage.0.registry;
        let live = registry.find_or_add(transaction.id, || storage.image_of(transaction));
        live.update(Side::Output, |state| {
            state.durability = Durability::Leased { fence, terms };
            state.recipients = recipients;
            state.last_attempt.clone_from(&last_attempt);
            state.is_abandoned = false;
        });
        Self {
            storage,
            live,
            work,
            attempt_count,
            last_attempt,
            next_recipient: 0,
            is_finished: false,
        }
    }

    /// The transaction's identity.
    pub fn id(&self) -> TransactionId {
        self.live.id
    }

    /// When the transaction was started.
    pub fn created(&self) -> Timestamp {
        self.live.created
    }

    /// The facts of the session it came by.
    pub fn context(&self) -> &Arc<Context> {
        &self.live.context
    }

    /// The signals of the transaction; those of an attempt are a
    /// [`branch`](crate::signals::Signals::branch) of them.
    pub fn signals(&self) -> &Signals {
        &self.live.signals
    }

    /// The id of the message, by which logs know it.
    pub fn trace_id(&self) -> TraceId {
        self.live.trace_id()
    }

    /// The MAIL command; no attempt is made before it is known.
    ///
    /// # Panics
    ///
    /// Where it is not known yet: a transaction whose originator has not said it is not given out.
    pub fn mail(&self) -> &Mail {
        self.live
            .mail()
            .expect("a transaction is attempted after its MAIL command is known")
    }

    /// What is to be done.
    pub fn work(&self) -> Work {
        self.work
    }

    /// How many attempts were made before.
    pub fn attempt_count(&self) -> u32 {
        self.attempt_count
    }

    /// The most recent attempt before this one, if there was one.
    pub fn last_attempt(&self) -> Option<&Attempt> {
        self.last_attempt.as_deref()
    }

    /// The storage that the lease is of.
    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// Says that an attempt begins: replies of the one before it no longer count.
    pub(crate) fn begin_attempt(&self) {
        self.live.update(Side::Output, |state| {
            state.attempt_count = self.attempt_count.saturating_add(1);
            state.answers.clear();
            state.end = None;
        });
    }

    /// The recipients so far, with what has become of them.
    pub fn recipients(&self) -> Vec<Recipient> {
        self.live.lock().recipients.clone()
    }

    /// The next recipient that is not settled, with its position; `None` when there are no more.
    pub fn poll_recipient(&mut self, cx: &task::Context<'_>) -> Poll<Option<(usize, Rcpt)>> {
        let mut position = self.next_recipient;
        let next = self.live.poll(cx, Side::Output, |state| {
            while let Some(recipient) = state.recipients.get(position) {
                position += 1;
                if recipient.settled.is_none() {
                    return Some(Some((position - 1, recipient.rcpt.clone())));
                }
            }
            state.has_all_recipients.then_some(None)
        });
        self.next_recipient = position;
        next
    }

    /// The message, if its transfer has begun.
    pub fn body(&self) -> Option<LeaseBody> {
        self.live.lock().body.as_ref().map(LeaseBody::of)
    }

    /// The message, once its transfer has begun.
    pub fn poll_body(&self, cx: &task::Context<'_>) -> Poll<LeaseBody> {
        self.live.poll(cx, Side::Output, |state| {
            state.body.as_ref().map(LeaseBody::of)
        })
    }

    /// Ready when the attempt is to end, with why: the transaction is cancelled, or was given up
    /// because its message did not come, or the agent stops.
    pub(crate) fn poll_halt(&self, cx: &task::Context<'_>, gone: Gone) -> Poll<Halt> {
        self.live.poll(cx, Side::Output, |state| state.halt(gone))
    }

    /// How often octets of the message could not be read back from where they are kept.
    pub(crate) fn read_failures(&self) -> u32 {
        let state = self.live.lock();
        state.body.as_ref().map_or(0, LiveBody::read_failures)
    }

    /// Gives the lease back: the attempt at it that has begun does not count, and it is due as it
    /// was.
    pub(crate) async fn give_back(mut self) {
        self.is_finished = true;
        let fence = self.forget_attempt();
        if let Some(fence) = fence {
            self.storage.release(&self.live, fence).await;
        }
    }

    /// Ends the lease without an attempt, until that time.
    ///
    /// # Errors
    ///
    /// As [`Lease::finish`].
    pub(crate) async fn postpone(mut self, until: Timestamp) -> Result<(), BackendError> {
        self.is_finished = true;
        let Some(fence) = self.forget_attempt() else {
            return Ok(());
        };
        self.storage
            .postpone(&self.live, fence, self.due(until))
            .await
    }

    /// Takes back that an attempt has begun; returns the fencing token where the transaction is in
    /// the durable tier.
    fn forget_attempt(&self) -> Option<u64> {
        self.live.update(Side::Output, |state| {
            state.answers.clear();
            state.attempt_count = self.attempt_count;
            match state.durability {
                Durability::Leased { fence, .. } => Some(fence),
                _ => None,
            }
        })
    }

    pub(super) fn due(&self, at: Timestamp) -> Status {
        let work = self.work;
        Status::Due(Due { at, work })
    }

    /// Leaves a transaction that is new to the queue: no attempt is made now.
    pub(crate) fn leave(mut self) {
        self.is_finished = true;
        self.live
            .update(Side::Output, |state| state.is_abandoned = true);
    }

    /// Passes on the reply to MAIL or RCPT.
    pub fn answer(&self, answer: Answer) {
        self.live.answer(answer);
    }

    /// Ends the lease with what the attempt brought: passes on the final reply, and writes the
    /// outcome if the transaction is in the durable tier.
    ///
    /// While the backend fails for want of space or for some other passing reason, it is tried
    /// again.
    ///
    /// # Errors
    ///
    /// [`BackendError::LeaseLost`] where another session has taken the transaction over.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it ends, the outcome may be lost, and the attempt made again after the next
    /// start.
    pub async fn finish(mut self, mut end: AttemptEnd) -> Result<(), BackendError> {
        self.is_finished = true;
        self.show(&mut end.attempt);
        let to_settle = self.live.update(Side::Output, |state| {
            let final_reply = end.attempt.whole_reply();
            state.answers.push(Answer::Final(final_reply));
            let is_leased = matches!(state.durability, Durability::Leased { .. });
            let to_settle = is_leased.then(|| end.clone());
            state.end = Some(end);
            to_settle
        });
        if let Some(end) = to_settle {
            // Boxed: most transactions are never stored, and need not carry the room for it.
            Box::pin(self.storage.settle(&self.live, end)).await?;
        }
        Ok(())
    }

    /// Ends a lease for notification: queues the notification, if one is to be sent, and marks the
    /// transaction final, in one commit.
    ///
    /// # Errors
    ///
    /// As [`Lease::finish`].
    pub async fn notified(
        mut self,
        notification: Option<NewTransaction>,
    ) -> Result<(), BackendError> {
        self.is_finished = true;
        let Durability::Leased { fence, .. } = self.live.lock().durability else {
            return Ok(());
        };
        let recipients = self.recipients();
        let status = Status::Final(final_reason(&recipients));
        let due = notification.as_ref().map(|new| new.status.clone());
        let notification_id = notification.as_ref().map(|new| new.id);
        let mut settlement = Settlement {
            id: self.id(),
            session: self.storage.session(),
            fence,
            attempt: None,
            status: status.clone(),
            recipients,
            notification: notification.map(Box::new),
        };
        self.storage.write_settlement(&mut settlement).await?;
        self.live.settled(fence, status);
        if let Some(id) = notification_id {
            self.storage.report_notified(&self.live, id);
        }
        if let Some(due) = due {
            self.storage.due_changed(&due);
        }
        Ok(())
    }

    /// Ends the lease of a transaction that was given up: nothing more is tried.
    ///
    /// # Errors
    ///
    /// As [`Lease::finish`].
    pub async fn give_up(mut self, reason: FinalReason) -> Result<(), BackendError> {
        self.is_finished = true;
        let status = Status::Final(reason);
        let (durability, is_over) = self.live.update(Side::Output, |state| {
            let is_over = match state.durability {
                Durability::Leased { .. } => false,
                // Whoever commits gives the lease back, and the cancellation is written then; that of
                // a draft when its attempt has ended.
                Durability::Committing | Durability::Draft => {
                    state.is_abandoned = true;
                    false
                }
                _ => state.settle(status.clone()),
            };
            (state.durability, is_over)
        });
        if is_over {
            self.storage.report_over(&self.live, &status);
        }
        let Durability::Leased { fence, .. } = durability else {
            return Ok(());
        };
        let now = self.storage.clock().now();
        let unwritten = self.live.lock().unwritten(self.attempt_count, now);
        let attempt = unwritten.map(|mut attempt| {
            self.show(&mut attempt);
            attempt
        });
        let mut settlement = Settlement {
            id: self.id(),
            session: self.storage.session(),
            fence,
            attempt,
            status: status.clone(),
            recipients: self.recipients(),
            notification: None,
        };
        self.storage.write_settlement(&mut settlement).await?;
        if self.live.settled(fence, status.clone()) {
            self.storage.report_over(&self.live, &status);
        }
        Ok(())
    }

    /// Sees to it that what readers were shown of the attempts before stays.
    fn show(&self, attempt: &mut Attempt) {
        let Some(before) = &self.last_attempt else {
            return;
        };
        let recipients = self.recipients();
        let now = Shown::after(attempt, &recipients);
        let shown = now.over(Shown::after(before, &recipients));
        attempt.shown = Some(Box::new(shown));
    }

    /// What was promised to the originator, where the transaction is in custody already.
    pub fn terms(&self) -> Option<Terms> {
        match self.live.lock().durability {
            Durability::Leased { terms, .. } => Some(terms),
            _ => None,
        }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lease({})", self.id())
    }
}
