//! Reading a transaction, and waiting for it to change.

use std::{
    future::poll_fn,
    sync::Arc,
    task::{self, Poll},
};

use crate::{blob::Blob, causes::Causes};

use super::{
    BackendError, Snapshot, Storage,
    lease_end::keep_trying,
    live::{Durability, Live, Side},
    live_body::LiveBody,
    record::{Attempt, BodyKind, FinalReason, Settlement, Status, TransactionId, Work},
};

/// A reader's hold on a transaction, wherever that is: while it is held, every change that this
/// process makes shows in it.
#[derive(Debug)]
pub struct Watch {
    live: Arc<Live>,
    seen: u64,
}

/// The finished body of a transaction, to be shared with another.
#[derive(Debug, Clone)]
pub struct SharedBody(pub(super) LiveBody);

impl Storage {
    /// Finds a transaction, in memory or in the durable tier.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    pub async fn watch(&self, id: TransactionId) -> Result<Option<Watch>, BackendError> {
        let live = match self.0.registry.find(id) {
            Some(live) => Some(live),
            None => {
                let stored = self.backend().find(id).await?;
                stored.map(|stored| self.live_of_stored(stored))
            }
        };
        Ok(live.map(|live| Watch { live, seen: 0 }))
    }

    /// Cancels a transaction: nothing more is tried, and nobody is told. One that is over stays as
    /// it is.
    ///
    /// # Errors
    ///
    /// [`BackendError`]; where the backend has no room or fails, the cancel is written later.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it ends, the transaction may have been cancelled or not.
    pub async fn cancel(&self, watch: &Watch) -> Result<(), BackendError> {
        let live = &watch.live;
        let durability = live.update(Side::Reader, |state| {
            if !state.is_final() {
                state.is_cancelled = true;
            }
            state.durability
        });
        let cancelled = Status::Final(FinalReason::Cancelled);
        // None of a draft's attempts is written down.
        let attempt = match durability {
            Durability::Volatile => {
                live.update(Side::Reader, |state| state.settle(cancelled));
                return Ok(());
            }
            // Whoever works on it sees the cancellation and settles it.
            Durability::Committing | Durability::Leased { .. } => return Ok(()),
            Durability::Draft => live.lock().unwritten(0, self.clock().now()),
            Durability::Settled => None,
        };
        let written = self.settle_unleased(live, None, cancelled, attempt).await;
        if written.is_err() {
            // Readers have seen that it is cancelled.
            self.cancel_late_in_background(Arc::clone(live));
        }
        written
    }

    /// Cancels a transaction that was cancelled while something else became of it was written.
    pub(super) async fn cancel_late(&self, live: &Arc<Live>) -> Result<(), BackendError> {
        let is_late = {
            let state = live.lock();
            // An attempt that heard of the cancel is over; a draft is not until that is written.
            state.is_cancelled && (state.durability == Durability::Draft || !state.is_final())
        };
        if is_late {
            let cancelled = Status::Final(FinalReason::Cancelled);
            let cancel = || self.write_unleased(live, None, cancelled.clone(), None);
            // Nobody asks for it again.
            keep_trying(live.id, "cancel a transaction", cancel)
                .await
                .1?;
        }
        Ok(())
    }

    /// As `cancel_late`, in a task of its own where there is something to do.
    pub(super) fn cancel_late_in_background(&self, live: Arc<Live>) {
        if !live.lock().is_cancelled {
            return;
        }
        let storage = self.clone();
        self.spawn(async move {
            if let Err(error) = storage.cancel_late(&live).await {
                tracing::warn!(id = %live.id, error = %Causes(&error), "could not cancel a transaction");
            }
        });
    }

    /// Writes the end of a transaction that nobody works on; does nothing where somebody does, it
    /// is over, or something else is to be done with it by now than `work`, if that is given.
    ///
    /// # Cancel safety
    ///
    /// It goes on in a task of its own, so that no lease is left.
    pub(super) async fn settle_unleased(
        &self,
        live: &Arc<Live>,
        work: Option<Work>,
        status: Status,
        attempt: Option<Attempt>,
    ) -> Result<(), BackendError> {
        let (storage, live) = (self.clone(), Arc::clone(live));
        let write = async move { storage.write_unleased(&live, work, status, attempt).await };
        let written = tokio::spawn(write).await;
        written.unwrap_or_else(|error| Err(BackendError::Failed(error.into())))
    }

    async fn write_unleased(
        &self,
        live: &Live,
        work: Option<Work>,
        status: Status,
        attempt: Option<Attempt>,
    ) -> Result<(), BackendError> {
        let leased = self.backend().lease(live.id, self.session(), work);
        let Some(leased) = leased.await? else {
            return Ok(());
        };
        let mut settlement = Settlement {
            id: live.id,
            session: self.session(),
            fence: leased.fence,
            attempt,
            recipients: live.lock().recipients.clone(),
            status: status.clone(),
            notification: None,
        };
        self.write_settlement(&mut settlement).await?;
        live.update(Side::Reader, |state| {
            state.durability = Durability::Settled;
            state.settle(status);
        });
        Ok(())
    }
}

impl Watch {
    pub(super) fn new(live: Arc<Live>) -> Self {
        Self { live, seen: 0 }
    }

    pub(super) fn live(&self) -> &Arc<Live> {
        &self.live
    }

    /// The transaction's identity.
    pub fn id(&self) -> TransactionId {
        self.live.id
    }

    /// The transaction as it is now; [`Watch::changed`] waits for changes after this one.
    pub fn snapshot(&mut self) -> Snapshot {
        let state = self.live.lock();
        self.seen = state.changes;
        Snapshot::of(&self.live, &state)
    }

    /// Waits until the transaction is not as it was at the last [`Watch::snapshot`].
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when it is dropped before it ends.
    pub async fn changed(&self) {
        poll_fn(|cx| self.poll_changed(cx)).await;
    }

    /// As [`Watch::changed`], to be polled.
    pub fn poll_changed(&self, cx: &task::Context<'_>) -> Poll<()> {
        self.live.poll(cx, Side::Reader, |state| {
            (state.changes != self.seen).then_some(())
        })
    }

    /// The body, if all of it is there.
    pub fn body(&self) -> Option<SharedBody> {
        let state = self.live.lock();
        let body = state.body.as_ref()?;
        body.is_complete().then(|| SharedBody(body.clone()))
    }

    /// A part of the body by its name, if all of it is there.
    pub fn part(&self, name: &str) -> Option<Blob> {
        let state = self.live.lock();
        let mut parts = state.body.as_ref()?.parts().iter();
        let part = parts.find(|part| &*part.name == name)?;
        part.blob.len().is_some().then(|| part.blob.clone())
    }
}

impl SharedBody {
    /// What the octets of its blob are.
    pub fn kind(&self) -> BodyKind {
        match self.0.parts {
            Some(_) => BodyKind::Composition,
            None => BodyKind::Message,
        }
    }
}
