//! Taking a transaction into custody: promising to deliver it.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::task::AbortHandle;

use super::{
    BackendError, Storage,
    conclude::conclude,
    live::{Durability, Live},
    record::{FinalReason, NewBody, NewTransaction, Status, Terms},
};

/// The right to take a transaction into custody; a StorageWriter attaches it to negative replies
/// (see [`Reply::extensions`](crate::reply::Reply::extensions)).
///
/// Who takes it has the transaction committed, retried and notified by the terms it names, and may
/// then answer 250. When the last clone is dropped and it was not taken, the transaction is
/// cancelled and gone.
#[derive(Clone)]
pub struct Custody(Arc<Inner>);

struct Inner {
    storage: Storage,
    live: Arc<Live>,
    hold: Mutex<Hold>,
}

/// What happens to the attempt when the last handle goes.
#[derive(Default)]
struct Hold {
    is_taken: bool,
    /// The attempt, where it goes on by itself.
    attempt: Option<AbortHandle>,
}

/// A transaction could not be taken into custody; nothing was promised.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CustodyError {
    /// The message is not complete.
    #[error("the message is not complete")]
    Incomplete,
    /// It was taken or given up before.
    #[error("the transaction is not to be had any more")]
    Gone,
    /// The backend failed.
    #[error("could not commit the transaction")]
    Backend(#[from] BackendError),
}

/// The fencing token of a transaction that is committed under lease.
const FENCE: u64 = 1;

impl Custody {
    pub(super) fn new(storage: Storage, live: Arc<Live>) -> Self {
        Self(Arc::new(Inner {
            storage,
            live,
            hold: Mutex::default(),
        }))
    }

    /// Commits the transaction under these terms.
    ///
    /// When it returns `Ok`, the message is durable, or upstream has taken it in the meantime.
    ///
    /// # Errors
    ///
    /// [`CustodyError`]; the client must not be told that its message was taken.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it ends, the transaction may have been committed or not.
    pub async fn take(&self, terms: Terms) -> Result<(), CustodyError> {
        let Inner { storage, live, .. } = &*self.0;
        let body = live.lock().body.clone().ok_or(CustodyError::Incomplete)?;
        let len = body.blob.len().ok_or(CustodyError::Incomplete)?;
        let body = storage.persist(body, len).await?;

        let new = self.snapshot(terms, body)?;
        if let Status::Final(FinalReason::Delivered) = new.status {
            self.forgo();
            return Ok(());
        }
        let status = new.status.clone();
        let is_leased = new.leased_by.is_some();
        if let Err(error) = storage.backend().insert(new).await {
            live.update(|state| state.durability = Durability::Volatile);
            return Err(error.into());
        }
        self.forgo();
        if !is_leased {
            live.update(|state| state.durability = Durability::Settled);
            storage.due_changed(&status);
            return Ok(());
        }
        let (end, is_abandoned) = live.update(|state| {
            state.durability = Durability::Leased {
                fence: FENCE,
                terms,
            };
            (state.end.clone(), state.is_abandoned)
        });
        // What ended while the commit was under way could not be settled then.
        if let Some(end) = end {
            storage.settle_in_background(Arc::clone(live), end);
        } else if is_abandoned {
            storage.release_in_background(live.id, FENCE);
        }
        Ok(())
    }

    /// What is to be committed; from here on the attempt leaves its end to be settled to whoever
    /// commits.
    fn snapshot(&self, terms: Terms, body: NewBody) -> Result<NewTransaction, CustodyError> {
        let Inner { storage, live, .. } = &*self.0;
        let mut state = live.lock();
        if state.durability != Durability::Volatile || state.is_cancelled {
            return Err(CustodyError::Gone);
        }
        let mut recipients = state.recipients.clone();
        let (status, attempts) = match &state.end {
            Some(end) => {
                let reverse_path = &live.mail.reverse_path;
                let status = conclude(&mut recipients, end, terms, reverse_path);
                (status, vec![end.attempt.clone()])
            }
            None => (storage.due_now(), Vec::new()),
        };
        state.durability = Durability::Committing;
        Ok(NewTransaction {
            id: live.id,
            created: live.created,
            context: Arc::clone(&live.context),
            mail: live.mail.clone(),
            recipients,
            body: Some(body),
            terms,
            leased_by: attempts.is_empty().then(|| storage.session()),
            attempts,
            status,
            idempotency_key: None,
        })
    }

    /// Lets the attempt, which now runs by itself, go on for as long as somebody may take custody
    /// or has.
    pub fn keep_attempt(&self, attempt: AbortHandle) {
        self.0.lock().attempt = Some(attempt);
    }

    /// Gives up the right without cancelling the transaction.
    pub(super) fn forgo(&self) {
        self.0.lock().is_taken = true;
    }
}

impl Inner {
    fn lock(&self) -> std::sync::MutexGuard<'_, Hold> {
        self.hold.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let attempt = {
            let mut hold = self.lock();
            if hold.is_taken {
                return;
            }
            hold.attempt.take()
        };
        self.live.update(|state| state.is_cancelled = true);
        if let Some(attempt) = attempt {
            attempt.abort();
        }
    }
}

impl fmt::Debug for Custody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Custody({})", self.0.live.id)
    }
}
