//! Commits that failed without an answer, and for which the backend could not say whether they were
//! written.
//!
//! The caller was told that the commit failed, and will repeat it. So:
//!
//! | what was to be written | if it was written after all |
//! |---|---|
//! | something new | it is cancelled; until then nobody gets it to attempt it |
//! | something new, with an idempotency key | it stays: a repetition finds it by the key |
//! | the rest of a draft | it continues as if that had been known; until then a repetition fails as well |
//!
//! The backend is asked until it answers, for at most [`MAX`] transactions. Only this process knows of
//! the doubt. If it crashes before the backend answers, what was written stays and is delivered, even if
//! the client repeats it.

use std::{future::poll_fn, sync::Arc};

use tokio::sync::OwnedSemaphorePermit;

use super::{
    BackendError, Lease, Storage,
    cancel::Unleased,
    commit::{FENCE, Member},
    ending::{End, Ending},
    live::{Durability, Live, Side, State},
    patience::keep_trying,
    record::{Due, FinalReason, Leased, SessionId, Status, Terms, Work},
};

/// How many transactions may be in doubt; beyond that, what was written stays.
pub(super) const MAX: usize = 10_000;

/// Whether a commit was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Doubt {
    /// The caller knows, or will know.
    #[default]
    No,
    /// Nobody knows.
    Open,
    /// It was written, as was found out later.
    Written,
}

impl State {
    /// Whether the transaction is kept back for now if the backend leases it.
    fn is_kept_back(&self) -> bool {
        self.durability == Durability::Committing || self.doubt == Doubt::Open
    }
}

impl Storage {
    /// The lease of a transaction that was read back, unless its commit has not ended or is in doubt,
    /// or the session that took the lease may be dead by now.
    pub(super) fn give_out(&self, leased: Leased, session: SessionId) -> Option<Lease> {
        if !self.0.presence.holds(session) {
            let (storage, id) = (self.clone(), leased.transaction.id);
            self.spawn(async move {
                let release = || storage.backend().release(id, session, leased.fence);
                // Others have it where the lease is lost.
                let _ = keep_trying(id, "give a lease back", release).await;
            });
            return None;
        }
        let live = self.0.registry.find(leased.transaction.id);
        match live.filter(|live| live.lock().is_kept_back()) {
            None => Some(Lease::of_stored(self.clone(), leased)),
            Some(live) => {
                let storage = self.clone();
                self.spawn(async move { storage.keep_back(live, leased).await });
                None
            }
        }
    }

    /// Waits for the end of a commit, and gives the lease back, or cancels the leased transaction.
    async fn keep_back(&self, live: Arc<Live>, leased: Leased) {
        let ended = |state: &State| {
            let is_over = state.durability != Durability::Committing;
            is_over.then_some(state.doubt == Doubt::Open)
        };
        let is_in_doubt = poll_fn(|cx| live.poll(cx, Side::Reader, ended)).await;
        let written = match is_in_doubt {
            true => {
                let ended = self.end_leased(&live, leased, Unleased::Cancelled).await;
                ended.map(|_| ())
            }
            false => {
                let fence = leased.fence;
                Ending::new(self.clone(), Arc::clone(&live), fence, End::GivenBack)
                    .write()
                    .await
            }
        };
        self.tell_of_loss(&live, written);
    }

    /// Continues after a commit with an unknown result.
    pub(super) fn doubt(&self, member: Member, terms: Terms) {
        let live = Arc::clone(member.custody.live());
        // The originator would find it by its key.
        let is_new = member.before != Durability::Draft;
        if is_new && member.has_key {
            return self.put_back(&member);
        }
        let Some(doubtful) = self.begin_doubt(&live) else {
            return self.put_back(&member);
        };
        if is_new {
            self.put_back(&member);
            let is_leased = member.settled.is_none();
            if !is_leased {
                // No attempt is under way, and none is to be made.
                let body = live.lock().body.take();
                drop(body);
            }
            self.take_back_in_background(live, doubtful, is_leased);
        } else {
            self.find_out_in_background(member, doubtful, terms);
        }
    }

    /// Notes that the result of a commit is unknown; `None` where there are too many such commits.
    pub(super) fn begin_doubt(&self, live: &Live) -> Option<OwnedSemaphorePermit> {
        let doubtful = Arc::clone(&self.0.in_doubt).try_acquire_owned().ok();
        match doubtful {
            Some(_) => live.lock().doubt = Doubt::Open,
            None => {
                tracing::error!(id = %live.trace_id(), transaction = %live.id, "it stays unknown whether a commit was written");
            }
        }
        doubtful
    }

    /// Finds out whether a draft was completed, and continues from there.
    fn find_out_in_background(&self, member: Member, doubtful: OwnedSemaphorePermit, terms: Terms) {
        let storage = self.clone();
        self.spawn(async move {
            let live = Arc::clone(member.custody.live());
            let has = || storage.has(&live);
            let is_written = keep_trying(live.id, "look for a commit", has).await;
            if matches!(is_written, Ok(true)) {
                live.lock().doubt = Doubt::Written;
                member.custody.forgo();
                storage.committed(member, terms);
            } else {
                live.lock().doubt = Doubt::No;
                storage.put_back(&member);
            }
            drop(doubtful);
        });
    }

    /// Undoes a commit that may have been written, although its caller was told that it was not.
    pub(super) fn take_back_in_background(
        &self,
        live: Arc<Live>,
        doubtful: OwnedSemaphorePermit,
        is_leased: bool,
    ) {
        let storage = self.clone();
        self.spawn(async move {
            let find = || storage.backend().find(live.id);
            let found = keep_trying(live.id, "look for a commit", find).await;
            if matches!(found, Ok(Some(_))) {
                let cancelled = if is_leased {
                    let cancelled = Status::Final(FinalReason::Cancelled);
                    storage.postponing(&live, FENCE, cancelled).write().await
                } else {
                    storage.cancel_stored(&live).await
                };
                storage.tell_of_loss(&live, cancelled);
            }
            live.update(Side::Reader, |state| state.doubt = Doubt::No);
            drop(doubtful);
        });
    }

    /// Whether a transaction is in the backend as it was committed, and not as a draft.
    pub(super) async fn has(&self, live: &Live) -> Result<bool, BackendError> {
        let found = self.backend().find(live.id).await?;
        let is_draft = |status: &Status| matches!(status, Status::Due(Due { work, .. }) if *work == Work::Abandon);
        Ok(found.is_some_and(|stored| !is_draft(&stored.status)))
    }
}
