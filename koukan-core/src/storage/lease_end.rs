//! How a lease ends: settled, postponed, or given back.

use std::{mem, sync::Arc};

use jiff::Timestamp;

use crate::reply::Reply;

use super::{
    AttemptEnd, BackendError, Lease, Storage, UpstreamReply,
    conclude::{beside_others, conclude},
    ending::{End, Ending, News},
    live::{Durability, Live, Side},
    record::{Attempt, Due, FinalReason, Settlement, Shown, Status, Terms},
};

impl Lease {
    /// Ends the lease with the result of the attempt: passes on the final reply, and writes the
    /// outcome if the transaction is in the durable tier.
    ///
    /// The write is repeated while the backend fails.
    ///
    /// # Errors
    ///
    /// [`BackendError::LeaseLost`] where another session has taken the transaction over.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the outcome is written in the background.
    pub async fn finish(mut self, end: AttemptEnd) -> Result<(), BackendError> {
        let parts = mem::take(&mut self.parts);
        if let Some(end) = self.pass_on(end) {
            let ending = self.storage.settling(&self.live, end).with_parts(parts);
            // Boxed, since most transactions are never stored and need no room for it.
            Box::pin(ending.write()).await?;
        }
        Ok(())
    }

    /// Passes on the final reply. Returns the result of the attempt, if it is to be written.
    pub(super) fn pass_on(&mut self, mut end: AttemptEnd) -> Option<AttemptEnd> {
        self.is_finished = true;
        self.show(&mut end.attempt);
        self.live.update(Side::Output, |state| {
            let final_reply = end.attempt.whole_reply();
            state.answers.push(UpstreamReply::Final(final_reply));
            let is_leased = matches!(state.durability, Durability::Leased { .. });
            let to_settle = is_leased.then(|| end.clone());
            state.end = Some(end);
            state.crashes = 0;
            to_settle
        })
    }

    /// Ends the lease of a transaction that was given up: nothing more is tried.
    ///
    /// # Errors
    ///
    /// As [`Lease::finish`].
    ///
    /// # Cancel safety
    ///
    /// As [`Lease::finish`].
    pub async fn give_up(mut self, reason: FinalReason) -> Result<(), BackendError> {
        self.is_finished = true;
        self.parts.clear();
        self.let_others_go();
        let status = Status::Final(reason);
        let (durability, is_over) = self.live.update(Side::Output, |state| {
            state.is_abandoned = true;
            let is_over = match state.durability {
                // The committer gives the lease back and writes the cancellation; for a draft that is
                // done when its attempt has ended.
                Durability::Leased { .. } | Durability::Committing | Durability::Draft => false,
                Durability::Volatile | Durability::Settled => state.settle(status.clone()),
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
        let settlement = Settlement {
            id: self.id(),
            session: self.storage.session(),
            fence,
            attempt,
            status,
            recipients: self.recipients(),
            notification: None,
            kept: Vec::new(),
            events: Vec::new(),
            together: Vec::new(),
        };
        self.settling(settlement, News::Over).write().await
    }

    /// Ends the lease of a transaction that is not attempted again: the result of its last attempt is
    /// its end.
    ///
    /// # Errors
    ///
    /// As [`Lease::finish`].
    pub(crate) async fn conclude(mut self, last: Attempt) -> Result<(), BackendError> {
        self.is_finished = true;
        let Some((fence, terms)) = self.token() else {
            return Ok(());
        };
        let end = AttemptEnd {
            attempt: Box::new(last),
            retry_at: None,
        };
        let settlement = self.storage.settlement(&self.live, end, fence, terms);
        let settlement = Settlement {
            attempt: None,
            ..settlement
        };
        self.settling(settlement, News::Attempted).write().await
    }

    /// Gives the lease back: the current attempt does not count, and the due time is unchanged.
    pub(crate) async fn give_back(mut self) {
        self.is_finished = true;
        self.parts.clear();
        self.let_others_go();
        if let Some(fence) = self.forget_attempt() {
            let released = self.storage.releasing(&self.live, fence).write().await;
            self.storage.tell_of_loss(&self.live, released);
        }
    }

    /// Ends the lease without an attempt. The transaction is due again at `until`.
    ///
    /// # Errors
    ///
    /// As [`Lease::finish`].
    pub(crate) async fn postpone(mut self, until: Timestamp) -> Result<(), BackendError> {
        self.is_finished = true;
        self.parts.clear();
        self.let_others_go();
        let Some(fence) = self.forget_attempt() else {
            return Ok(());
        };
        let due = self.due(until);
        self.storage
            .postponing(&self.live, fence, due)
            .write()
            .await
    }

    /// Forgets that an attempt has begun. Returns the fencing token if the transaction is in the
    /// durable tier. Otherwise whoever waits hears that nothing more is tried here.
    pub(super) fn forget_attempt(&self) -> Option<u64> {
        self.live.update(Side::Output, |state| {
            state.is_abandoned = true;
            state.attempt_count = self.attempt_count;
            if state.durability == Durability::Volatile {
                state.answers.push(UpstreamReply::Final(Reply::stopping()));
                return None;
            }
            state.answers.clear();
            match state.durability {
                Durability::Leased { fence, .. } => Some(fence),
                _ => None,
            }
        })
    }

    pub(super) fn due(&self, at: Timestamp) -> Status {
        let work = self.work();
        Status::Due(Due { at, work })
    }

    /// Leaves a transaction that was just queued: no attempt is made now.
    pub(crate) fn leave(mut self) {
        self.is_finished = true;
        self.live
            .update(Side::Output, |state| state.is_abandoned = true);
    }

    /// Keeps what readers were shown of earlier attempts.
    pub(super) fn show(&self, attempt: &mut Attempt) {
        let Some(before) = &self.last_attempt else {
            return;
        };
        let recipients = self.recipients();
        let now = Shown::after(attempt, &recipients);
        let shown = now.over(Shown::after(before, &recipients));
        attempt.shown = Some(Box::new(shown));
    }

    /// The fencing token and the terms, if the transaction is in the durable tier.
    pub(super) fn token(&self) -> Option<(u64, Terms)> {
        match self.live.lock().durability {
            Durability::Leased { fence, terms } => Some((fence, terms)),
            _ => None,
        }
    }

    fn settling(&self, settlement: Settlement, news: News) -> Ending {
        let fence = settlement.fence;
        let end = End::Settled(Box::new(settlement), news);
        Ending::new(self.storage.clone(), Arc::clone(&self.live), fence, end)
    }
}

impl Storage {
    /// The end of a lease with the result of an attempt. Only this session knows that result.
    pub(super) fn settling(&self, live: &Arc<Live>, end: AttemptEnd) -> Ending {
        let settlement = self.settlement_of_lease(live, end);
        let fence = settlement.fence;
        let end = End::Settled(Box::new(settlement), News::Attempted);
        Ending::new(self.clone(), Arc::clone(live), fence, end)
    }

    /// What is written at the end of a lease with the result of an attempt.
    pub(super) fn settlement_of_lease(&self, live: &Live, end: AttemptEnd) -> Settlement {
        // If it is no longer leased, the backend says so.
        let (fence, terms) = match live.lock().durability {
            Durability::Leased { fence, terms } => (fence, terms),
            _ => (0, Terms::default()),
        };
        self.settlement(live, end, fence, terms)
    }

    /// The end of a lease without an attempt; the transaction continues with `status`.
    pub(super) fn postponing(&self, live: &Arc<Live>, fence: u64, status: Status) -> Ending {
        let settlement = Settlement {
            id: live.id,
            session: self.session(),
            fence,
            attempt: None,
            recipients: live.lock().recipients.clone(),
            status,
            notification: None,
            kept: Vec::new(),
            events: Vec::new(),
            together: Vec::new(),
        };
        let end = End::Settled(Box::new(settlement), News::Over);
        Ending::new(self.clone(), Arc::clone(live), fence, end)
    }

    /// The end of a lease that is given back, with the due time unchanged.
    pub(super) fn releasing(&self, live: &Arc<Live>, fence: u64) -> Ending {
        Ending::new(self.clone(), Arc::clone(live), fence, End::GivenBack)
    }

    pub(super) fn settlement(
        &self,
        live: &Live,
        end: AttemptEnd,
        fence: u64,
        terms: Terms,
    ) -> Settlement {
        let (mut recipients, message_key) = {
            let state = live.lock();
            (state.recipients.clone(), state.message_key)
        };
        let status = conclude(&mut recipients, &end, terms, live.reverse_path());
        let status = beside_others(status, message_key, end.attempt.ended);
        Settlement {
            id: live.id,
            session: self.session(),
            fence,
            attempt: Some(*end.attempt),
            recipients,
            status,
            notification: None,
            kept: Vec::new(),
            events: Vec::new(),
            together: Vec::new(),
        }
    }
}
