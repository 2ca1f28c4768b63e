//! Changes of queued transactions by operators.

use futures_util::future::join_all;
use jiff::Timestamp;

use super::{
    BackendError, Storage, Watch,
    cancel::Unleased,
    live::{Durability, Side, State},
    record::{Change, Judged, QueueAction, SchedulingKey, Skipped, Status, TransactionId, Work},
};

/// How many transactions are ended at a time: each needs a lease and a settlement, which are
/// committed together.
const ENDED_AT_ONCE: usize = 256;

impl Storage {
    /// Changes transactions. Returns the result for each, in order. With `is_dry`, only the result
    /// that a change would have.
    ///
    /// A cancellation of a transaction that is being worked on may take effect after this returns,
    /// as with [`Storage::cancel`].
    ///
    /// # Errors
    ///
    /// [`BackendError`]; some of them may have been changed.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, some of them were changed.
    pub async fn change(
        &self,
        ids: Vec<TransactionId>,
        action: QueueAction,
        is_dry: bool,
    ) -> Result<Vec<Judged>, BackendError> {
        let now = self.clock().now();
        let change = Change {
            ids,
            action,
            now,
            is_dry,
        };
        let mut judged = self.backend().change(change).await?;
        if is_dry {
            return Ok(judged);
        }
        if action.is_one_write() {
            for (id, _) in judged.iter().filter(|(_, verdict)| verdict.is_ok()) {
                if let Some(live) = self.0.registry.find(*id) {
                    let send_at = live.send_at();
                    live.update(Side::Reader, |state| state.note(action, now, send_at));
                }
            }
            if action != QueueAction::Hold {
                self.some_are_due(now);
            }
            return Ok(judged);
        }
        for some in judged.chunks_mut(ENDED_AT_ONCE) {
            let ended = some.iter_mut().filter(|(_, verdict)| verdict.is_ok());
            let ended = ended.map(async |(id, verdict)| {
                let recipients = *verdict;
                *verdict = self.end(*id, action).await?.and(recipients);
                Ok(())
            });
            join_all(ended)
                .await
                .into_iter()
                .collect::<Result<(), _>>()?;
        }
        Ok(judged)
    }

    /// Makes a transaction due now, and lets it try its hosts even if they are known not to answer.
    /// Returns how many of its recipients are not settled; the inner `Err` says that it is unchanged.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    ///
    /// # Cancel safety
    ///
    /// As [`Storage::change`].
    pub async fn retry_now(&self, watch: &Watch) -> Result<Result<u32, Skipped>, BackendError> {
        let (live, destinations) = (watch.live(), self.destinations());
        // Before it is due, since it may be leased at once.
        destinations.force(live.id);
        let changed = self.change(vec![live.id], QueueAction::Retry, false).await;
        let verdict = changed.map(|judged| {
            let judged = judged.into_iter().map(|(_, verdict)| verdict);
            judged.sum::<Result<u32, _>>()
        });
        if let Ok(Ok(_)) = verdict {
            let destination = SchedulingKey::of(&live.context, &live.lock().recipients);
            destinations.let_through(&destination, live.id);
        } else {
            destinations.take_forced(live.id);
        }
        verdict
    }

    /// Ends a transaction. The inner `Err` says that it has changed meanwhile.
    async fn end(
        &self,
        id: TransactionId,
        action: QueueAction,
    ) -> Result<Result<(), Skipped>, BackendError> {
        let Some(watch) = self.watch(id).await? else {
            return Ok(Err(Skipped::Finished));
        };
        if action == QueueAction::Cancel {
            return self.cancel(&watch).await.map(Ok);
        }
        let is_ended = self.settle_unleased(watch.live(), Unleased::Returned);
        Ok(is_ended.await?.then_some(()).ok_or(Skipped::Active))
    }
}

impl State {
    /// Notes what was written about a transaction that nobody works on. Work under way continues.
    fn note(&mut self, action: QueueAction, now: Timestamp, send_at: Option<Timestamp>) {
        self.held = (action == QueueAction::Hold).then_some(now);
        if self.durability == Durability::Settled
            && let Some(Status::Due(due)) = &mut self.status
            && due.work == Work::Attempt
        {
            due.at = action.due_after(*due, now, send_at);
        }
    }
}
