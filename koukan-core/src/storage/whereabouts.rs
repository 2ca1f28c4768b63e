//! Which of several processes answers for a transaction.
//!
//! | the transaction | answered by |
//! |---|---|
//! | is worked on by this process | this process |
//! | is leased by a live session | that session |
//! | was never committed, or is a draft, and its identity names a live session | that session |
//! | any other | whoever is asked |
//!
//! A session without a [published](Storage::publish_address) address answers for no transaction, and neither does one that has
//! [withdrawn](Storage::withdraw_address) its address.

use super::{
    BackendError, Storage,
    live::Durability,
    record::{Status, StoredTransaction, TransactionId, Work},
};

impl Storage {
    /// Tells other processes over the same backend the base URI for requests about this process's transactions. It
    /// is published again whenever the session changes. Does nothing where the store belongs to this process.
    ///
    /// # Errors
    ///
    /// [`BackendError`]; then it is published as soon as the backend answers again.
    pub async fn publish_address(&self, address: &str) -> Result<(), BackendError> {
        self.0.presence.set_address(Some(address));
        self.publish().await
    }

    /// Withdraws the published address, for example because this process is about to stop. Other processes then answer
    /// for its transactions themselves, from the backend. Requests that were sent here before may still arrive for a
    /// moment. It does nothing if no other process uses the store.
    ///
    /// # Errors
    ///
    /// The same as for [`Storage::publish_address`].
    pub async fn withdraw_address(&self) -> Result<(), BackendError> {
        self.0.presence.set_address(None);
        self.publish().await
    }

    /// The base URI of another process that answers for a transaction, if there is one.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    pub async fn elsewhere(&self, id: TransactionId) -> Result<Option<Box<str>>, BackendError> {
        if !self.0.presence.is_shared() || self.is_worked_on(id) {
            return Ok(None);
        }
        let own = self.session();
        if let Some(holder) = self.backend().holder(id).await? {
            return match holder == own {
                true => Ok(None),
                false => self.backend().address_of(holder).await,
            };
        }
        if id.may_be_of(own) {
            return Ok(None);
        }
        let live = self.backend().live_sessions().await?;
        let mut others = live.into_iter().filter(|live| live.session != own);
        let maker = others.find(|live| id.may_be_of(live.session));
        let Some(address) = maker.and_then(|maker| maker.address) else {
            return Ok(None);
        };
        let stored = self.backend().find(id).await?;
        Ok(stored
            .is_none_or(|stored| is_draft(&stored))
            .then_some(address))
    }

    /// Waits until another process answers for a transaction, and returns its base URI.
    ///
    /// It looks at each refresh of the session. Where the store belongs to this process, it never ends.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when it is dropped.
    pub async fn moved(&self, id: TransactionId) -> Box<str> {
        let presence = &self.0.presence;
        loop {
            presence.refreshed().notified().await;
            // However many wait, only few ask the backend at a time.
            let Ok(_turn) = presence.looking().acquire().await else {
                continue;
            };
            if self.is_worked_on(id) {
                continue;
            }
            // The next refresh tries again.
            if let Ok(Some(there)) = self.elsewhere(id).await {
                return there;
            }
        }
    }

    /// Whether a transaction that is missing may be, or have been, known to another process: then this one has
    /// not created it.
    pub(crate) fn may_be_elsewhere(&self, id: TransactionId) -> bool {
        self.0.presence.is_shared() && !id.may_be_of(self.session())
    }

    /// The identity of a new transaction. If several processes share the backend, it names the one that creates
    /// it.
    pub(super) fn new_id(&self) -> TransactionId {
        match self.0.presence.is_shared() {
            true => TransactionId::of_session(self.session()),
            false => TransactionId::random(),
        }
    }

    /// Whether this process works on a transaction, or knows that it is over.
    fn is_worked_on(&self, id: TransactionId) -> bool {
        let Some(live) = self.0.registry.find(id) else {
            return false;
        };
        let state = live.lock();
        let is_ours = match state.durability {
            Durability::Volatile | Durability::Committing | Durability::Leased { .. } => true,
            Durability::Draft => id.may_be_of(self.session()),
            Durability::Settled => false,
        };
        is_ours || state.is_final()
    }
}

fn is_draft(stored: &StoredTransaction) -> bool {
    matches!(&stored.status, Status::Due(due) if due.work == Work::Abandon)
}
