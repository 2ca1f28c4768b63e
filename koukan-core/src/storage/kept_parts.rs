//! Parts of an attempt that are taken into custody by the commit with which the attempt ends.
//!
//! An Exploder makes parts of an attempt, and takes those that have failed into custody. An attempt at a stored
//! transaction ends by a commit itself. If the parts were committed before that, a crash between the two commits would
//! leave both the parts and the whole in the queue, and recipients would get two copies. So the parts are written by the
//! commit that settles the whole ([`Settlement::kept`](super::record::Settlement::kept)), under the whole's fencing token.
//!
//! | the whole | the parts |
//! |---|---|
//! | is leased, and its attempt has kept the parts | are `Committing`, so nobody else changes them; their own attempts go on, unless the whole must end |
//! | its attempt has delivered the message, or kept it | are part of its settlement, which is repeated while the backend fails |
//! | is settled | stand as after any commit: queued, or leased where their attempts go on |
//! | has lost its lease | are cancelled |
//! | its attempt failed, or was given up, given back or dropped | are cancelled before the whole's lease ends |
//!
//! The parts wait for the settlement. It comes when the whole attempt has ended, with the calls that it makes later and
//! what it has to say about delays, and then waits for the backend only. The attempt waits for none of its parts by
//! then: an Exploder takes custody when all of them have ended.

use std::{future::poll_fn, mem, sync::Arc};

use crate::signals::Departure;

use super::{
    BackendError, Custody, CustodyError, Exhausted, Lease, Storage,
    commit::Member,
    live::{Durability, Live, Side},
    patience::keep_trying,
    record::{Commit, NewTransaction, Terms, TransactionId},
};

/// Parts that are not written yet. If this is dropped before they are, they are cancelled.
pub(super) struct KeptParts {
    storage: Storage,
    terms: Terms,
    members: Vec<Member>,
    /// What is to be written.
    new: Vec<NewTransaction>,
    /// The attempt that they are parts of, once that has ended.
    whole: Option<Arc<Departure>>,
}

impl Custody {
    /// As [`Custody::take_all`], for parts of an attempt. If that attempt is at a stored transaction of the same
    /// [`Storage`], the parts are written with the end of the attempt, or cancelled.
    ///
    /// # Errors
    ///
    /// As [`Custody::take_all`].
    ///
    /// # Cancel safety
    ///
    /// As [`Custody::take_all`]. Parts that would have been written later are cancelled.
    pub(crate) async fn take_parts<'a>(
        parts: impl IntoIterator<Item = &'a Self>,
        terms: Terms,
        whole: &Departure,
    ) -> Result<(), CustodyError> {
        let parts = Self::complete(parts).await?;
        let Some(storage) = storage_of(&parts, whole).await else {
            Self::commit_all(parts, terms, None).await?;
            whole.let_go();
            return Ok(());
        };
        // In a task of its own, so that it is not abandoned halfway.
        let keep = tokio::spawn(async move { storage.keep(parts, terms).await });
        let failed = |error: tokio::task::JoinError| BackendError::Failed(error.into());
        let kept = keep.await;
        let kept = kept.unwrap_or_else(|error| Err(failed(error).into()))?;
        let kept = whole.keep(Box::new(kept));
        kept.map_err(|_ended| CustodyError::Gone)
    }
}

/// The storage of these parts, if it also has the lease under which the whole is attempted.
async fn storage_of(parts: &[Custody], whole: &Departure) -> Option<Storage> {
    let live = whole.orders_by::<Live>()?;
    let storage = parts.first()?.storage();
    let is_new = |part: &Custody| {
        part.is_of(storage) && part.live().lock().durability == Durability::Volatile
    };
    if !Arc::ptr_eq(&live.registry, &storage.0.registry) || !parts.iter().all(is_new) {
        return None;
    }
    // What is being created is attempted meanwhile. Whoever commits it waits for the backend only.
    let lease = poll_fn(|cx| {
        live.poll(cx, Side::Output, |state| match state.durability {
            Durability::Committing => None,
            other => Some(other),
        })
    });
    matches!(lease.await, Durability::Leased { .. }).then(|| storage.clone())
}

impl Storage {
    /// Prepares the commit of these transactions.
    async fn keep(&self, parts: Vec<Custody>, terms: Terms) -> Result<KeptParts, CustodyError> {
        // Ends of leases are written even if there is no room for new mail.
        if !self.has_room() {
            return Err(BackendError::Full(Exhausted.into()).into());
        }
        let (members, commits) = self.members(parts, terms, None).await?;
        let new = commits.into_iter().map(|commit| match commit {
            Commit::Insert(new) | Commit::Complete(new) => new,
        });
        Ok(KeptParts {
            new: new.collect(),
            storage: self.clone(),
            terms,
            members,
            whole: None,
        })
    }
}

impl Lease {
    /// Takes over what an attempt under this lease has kept, to write it with the end of the lease.
    pub(crate) fn keep_parts(&mut self, attempt: &Arc<Departure>) {
        for kept in attempt.take_kept() {
            if let Ok(mut kept) = kept.downcast::<KeptParts>() {
                kept.whole = Some(Arc::clone(attempt));
                self.parts.push(*kept);
            }
        }
    }
}

impl KeptParts {
    /// What is to be written.
    pub(super) fn take_new(&mut self) -> Vec<NewTransaction> {
        mem::take(&mut self.new)
    }

    /// Whether they are in the durable tier; `None` where there are none. Waits while the backend does not tell.
    pub(super) async fn are_written(&self, whole: TransactionId) -> Option<bool> {
        // They were written together.
        let first = self.members.first()?.custody.live();
        let has = || self.storage.has(first);
        let has = keep_trying(whole, "look for what was written", has).await;
        Some(matches!(has, Ok(true)))
    }

    /// Continues after they were written.
    pub(super) fn written(mut self) {
        // From here on the end of the whole does not concern them.
        if let Some(whole) = &self.whole {
            whole.let_go();
        }
        for member in mem::take(&mut self.members) {
            member.custody.forgo();
            self.storage.committed(member, self.terms);
        }
    }
}

impl Drop for KeptParts {
    fn drop(&mut self) {
        for member in mem::take(&mut self.members) {
            self.storage.put_back(&member);
            // Replies that are kept of the attempt may have other handles.
            member.custody.give_up();
        }
    }
}
