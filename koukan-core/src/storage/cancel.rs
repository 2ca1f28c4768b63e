//! Cancelling, and ending transactions that nobody works on.

use std::{future::poll_fn, sync::Arc};

use crate::{causes::Causes, path::ReversePath};

use super::{
    BackendError, Storage, Watch,
    conclude::{beside_others, conclude, final_reason, give_back},
    ending::{End, Ending, News},
    live::{Durability, Live, Side, State},
    patience::keep_trying,
    record::{Attempt, FinalReason, Leased, Settlement, Status, StoredTransaction, Terms, Work},
};

impl Storage {
    /// Cancels a transaction: nothing more is tried, and nobody is notified. A transaction that is
    /// over is unchanged; so is one whose message upstream accepts.
    ///
    /// Readers see the cancellation once it has taken effect, which may be after this returns: a
    /// current attempt ends first, and if the whole message may have been sent, upstream decides.
    ///
    /// # Errors
    ///
    /// [`BackendError`]. If the backend has no room or fails, the cancellation is written later.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the transaction may or may not have been cancelled.
    pub async fn cancel(&self, watch: &Watch) -> Result<(), BackendError> {
        let live = watch.live();
        let cancelled = live.update(Side::Reader, |state| {
            if state.final_reason().is_some() {
                return None;
            }
            state.is_cancelled = true;
            let is_volatile = state.durability == Durability::Volatile;
            let over = is_volatile.then(|| state.cancel_uncommitted()).flatten();
            Some((state.durability, state.is_attempted(), over))
        });
        let Some((durability, is_attempted, over)) = cancelled else {
            return Ok(());
        };
        if let Some(status) = over {
            self.report_uncommitted(live, &status);
        }
        let written = match durability {
            // Whoever works on it sees the cancellation and settles it.
            Durability::Volatile | Durability::Committing | Durability::Leased { .. } => Ok(()),
            Durability::Draft if is_attempted => {
                self.cancel_late_in_background(Arc::clone(live));
                Ok(())
            }
            Durability::Draft | Durability::Settled => {
                match self.settle_unleased(live, Unleased::Cancelled).await {
                    Ok(is_written) => self.cancel_elsewhere(live, is_written).await,
                    Err(error) => Err(error),
                }
            }
        };
        if written.is_err() {
            // Whoever works on it from now on treats it as cancelled.
            self.cancel_late_in_background(Arc::clone(live));
        }
        written
    }

    /// Cancels a transaction that was cancelled while another result was being written.
    pub(super) async fn cancel_late(&self, live: &Arc<Live>) -> Result<(), BackendError> {
        let is_late = {
            let state = live.lock();
            // An attempt that heard of the cancel is over; a draft is not until that is written.
            state.is_cancelled && (state.durability == Durability::Draft || !state.is_final())
        };
        if is_late {
            // Nobody asks for it again.
            self.cancel_stored(live).await?;
        }
        Ok(())
    }

    /// The status of a cancelled transaction, and its attempt, if that is not recorded; a draft's
    /// attempts are not recorded.
    fn end_of_cancelled(
        &self,
        live: &Live,
        stored: &StoredTransaction,
    ) -> (Status, Option<Attempt>) {
        match &stored.status {
            Status::Due(due) if due.work == Work::Abandon => {
                let state = live.lock();
                let attempt = state.unwritten(stored.attempt_count, self.clock().now());
                (state.end_of_cancelled(), attempt)
            }
            // Everything is done except the notification.
            Status::Due(due) if due.work == Work::Notify => {
                (Status::Final(final_reason(&stored.recipients)), None)
            }
            _ => (Status::Final(FinalReason::Cancelled), None),
        }
    }

    /// As `cancel_late`, in a task of its own, if there is something to do; for a draft, when its
    /// attempt has ended.
    pub(super) fn cancel_late_in_background(&self, live: Arc<Live>) {
        if !live.lock().is_cancelled {
            return;
        }
        let storage = self.clone();
        self.spawn(async move {
            let is_free = |state: &State| {
                let is_held = state.durability == Durability::Draft && state.is_attempted();
                (!is_held).then_some(())
            };
            poll_fn(|cx| live.poll(cx, Side::Reader, is_free)).await;
            if let Err(error) = storage.cancel_late(&live).await {
                tracing::warn!(id = %live.trace_id(), transaction = %live.id, error = %Causes(&error), "could not cancel a transaction");
            }
        });
    }

    /// Writes the end of a transaction that nobody works on, and returns whether it did. Does nothing
    /// where somebody works on it, it is over, or it has other work to do by now.
    ///
    /// # Cancel safety
    ///
    /// It runs in a task of its own, so that no lease is left behind.
    pub(super) async fn settle_unleased(
        &self,
        live: &Arc<Live>,
        end: Unleased,
    ) -> Result<bool, BackendError> {
        let (storage, live) = (self.clone(), Arc::clone(live));
        let write = async move { storage.write_unleased(&live, end).await };
        let written = tokio::spawn(write).await;
        written.unwrap_or_else(|error| Err(BackendError::Failed(error.into())))
    }

    /// Cancels a transaction in the durable tier, whatever its state here. Continues until it is cancelled, or
    /// another process that works on it will learn of the request.
    pub(super) async fn cancel_stored(&self, live: &Arc<Live>) -> Result<(), BackendError> {
        let cancel = || async {
            let is_written = self.write_unleased(live, Unleased::Cancelled).await?;
            self.cancel_elsewhere(live, is_written).await
        };
        keep_trying(live.id, "cancel a transaction", cancel).await
    }

    /// Asks whoever else works on it to cancel it, if it is not over and could not be cancelled here.
    async fn cancel_elsewhere(&self, live: &Live, is_written: bool) -> Result<(), BackendError> {
        match !is_written && self.0.presence.is_shared() {
            true => self.backend().request_cancel(live.id).await,
            false => Ok(()),
        }
    }

    async fn write_unleased(&self, live: &Arc<Live>, end: Unleased) -> Result<bool, BackendError> {
        let work = match end {
            // What is held, too.
            Unleased::Cancelled | Unleased::Returned => None,
            Unleased::Refused => Some(Work::Abandon),
        };
        let leased = self.backend().lease(live.id, self.session(), work);
        match leased.await? {
            Some(leased) => self.end_leased(live, leased, end).await,
            None => Ok(false),
        }
    }

    /// Writes the end of a leased transaction. Returns whether it did.
    pub(super) async fn end_leased(
        &self,
        live: &Arc<Live>,
        leased: Leased,
        end: Unleased,
    ) -> Result<bool, BackendError> {
        let stored = leased.transaction;
        let mut recipients = stored.recipients.clone();
        // The work to do is known only now.
        let (status, attempt) = match end {
            Unleased::Cancelled => self.end_of_cancelled(live, &stored),
            Unleased::Refused => (Status::Final(FinalReason::Failed), None),
            Unleased::Returned => {
                if !matches!(&stored.status, Status::Due(due) if due.work == Work::Attempt) {
                    let ending =
                        Ending::new(self.clone(), Arc::clone(live), leased.fence, End::GivenBack);
                    ending.write().await?;
                    return Ok(false);
                }
                let reverse_path = &stored.mail.reverse_path;
                let now = self.clock().now();
                let status = give_back(&mut recipients, now, stored.terms, reverse_path);
                let status = beside_others(status, stored.message_key, now);
                (status, None)
            }
        };
        let settlement = Settlement {
            id: live.id,
            session: self.session(),
            fence: leased.fence,
            attempt,
            recipients: recipients.clone(),
            status: status.clone(),
            notification: None,
            kept: Vec::new(),
            events: Vec::new(),
            together: Vec::new(),
        };
        let is_returned = end == Unleased::Returned;
        let news = match is_returned {
            true => News::Attempted,
            false => News::Over,
        };
        let (fence, end) = (leased.fence, End::Settled(Box::new(settlement), news));
        let ending = Ending::new(self.clone(), Arc::clone(live), fence, end);
        ending.write().await?;
        let is_over = live.update(Side::Reader, |state| {
            // What is due may be worked on again before this hears that it is written.
            if matches!(state.durability, Durability::Leased { fence: held, .. } if held > fence) {
                return false;
            }
            state.durability = Durability::Settled;
            if is_returned {
                state.recipients = recipients;
            }
            state.settle(status.clone())
        });
        if is_over {
            self.report_over(live, &status);
        }
        Ok(true)
    }
}

/// How a transaction ends that nobody works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unleased {
    /// It is cancelled, whatever its work is.
    Cancelled,
    /// It is a draft that was refused.
    Refused,
    /// An attempt was due, and it is bounced to its originator instead.
    Returned,
}

impl State {
    /// Whether an attempt is under way at an uncommitted transaction. Only its end tells the result,
    /// since upstream may have the message.
    fn is_attempted(&self) -> bool {
        let is_over = self.end.is_some() || self.is_abandoned || self.is_final();
        self.attempt_count > 0 && !is_over
    }

    /// Settles the cancellation of a transaction that was never committed; a current attempt does that
    /// itself. Returns the end, if it has ended by this.
    pub(super) fn cancel_uncommitted(&mut self) -> Option<Status> {
        if self.is_attempted() {
            return None;
        }
        let status = self.end_of_cancelled();
        self.settle(status.clone()).then_some(status)
    }

    /// The end of a cancelled, uncommitted transaction: upstream may have accepted or refused it
    /// before.
    pub(super) fn end_of_cancelled(&self) -> Status {
        let ended = self.end.as_ref().map(|end| {
            let mut recipients = self.recipients.clone();
            conclude(&mut recipients, end, Terms::default(), &ReversePath::Null)
        });
        match ended {
            None | Some(Status::Final(FinalReason::Expired)) => {
                Status::Final(FinalReason::Cancelled)
            }
            Some(ended) => ended,
        }
    }
}
