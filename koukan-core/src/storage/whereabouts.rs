//! Which of several processes answers for a transaction.
//!
//! | the transaction | who answers |
//! |---|---|
//! | is worked on by this process | this process |
//! | is under lease by a session that lives | that session |
//! | was never committed, or is a draft, and its identity names a session that lives | that session |
//! | is any other | whoever is asked |
//!
//! A session that has not [published](Storage::publish_address) where requests are taken answers for none.

use super::{
    BackendError, Storage,
    live::Durability,
    record::{Status, StoredTransaction, TransactionId, Work},
};

impl Storage {
    /// Tells other processes over the same backend where requests for what this one works on are taken: the base
    /// of the URIs. It is told again whenever the session changes. Nothing where the store is this process's alone.
    ///
    /// # Errors
    ///
    /// [`BackendError`]; then it is told as soon as the backend is heard again.
    pub async fn publish_address(&self, address: &str) -> Result<(), BackendError> {
        self.0.presence.set_address(address);
        self.publish().await
    }

    /// Where another process takes requests for a transaction, if one answers for it: the base of the URIs.
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

    /// Waits until another process answers for a transaction, and tells where. Until then, what others make of
    /// one that nobody works on here shows in whatever [watches](Storage::watch) it.
    ///
    /// It looks each time that the session is refreshed. Where the store is this process's alone it never ends.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when it is dropped.
    pub async fn moved(&self, id: TransactionId) -> Box<str> {
        let presence = &self.0.presence;
        loop {
            presence.refreshed().notified().await;
            // However many wait, the backend is asked by few of them at a time.
            let Ok(_turn) = presence.looking().acquire().await else {
                continue;
            };
            if self.is_worked_on(id) {
                continue;
            }
            // What fails is tried again at the next refresh.
            if let Ok(Some(there)) = self.elsewhere(id).await {
                return there;
            }
            if let Some(live) = self.0.registry.find(id) {
                let _ = self.read_again(&live).await;
            }
        }
    }

    /// Whether a transaction that is not there may be known to another process, or may have been to one that is
    /// dead: then this one has not made it.
    pub(crate) fn may_be_elsewhere(&self, id: TransactionId) -> bool {
        self.0.presence.is_shared() && !id.may_be_of(self.session())
    }

    /// The identity of a new transaction: of several processes over a backend it names the one that makes it.
    pub(super) fn new_id(&self) -> TransactionId {
        match self.0.presence.is_shared() {
            true => TransactionId::of_session(self.session()),
            false => TransactionId::random(),
        }
    }

    /// Whether this process works on a transaction, or it is over as far as this process knows.
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
