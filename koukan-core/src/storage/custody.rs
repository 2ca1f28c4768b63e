//! Taking a transaction into custody: promising to deliver it.

use std::{fmt, mem, sync::Arc};

use tokio::task::AbortHandle;

use crate::sync::{Mutex, MutexGuard, PoisonError};

use super::{
    BackendError, Storage,
    conclude::conclude,
    live::{Durability, Live, Side},
    record::{
        FinalReason, IdempotencyKey, NewBody, NewTransaction, Recipient, Status, Terms,
        TransactionId,
    },
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
    /// An earlier transaction of the sender has the same idempotency key; nothing was committed.
    #[error("the idempotency key is that of transaction {0}")]
    Repeated(TransactionId),
    /// An earlier transaction of the sender has the same idempotency key, and was another request;
    /// nothing was committed.
    #[error("the idempotency key is that of another request")]
    KeyReused,
    /// The backend failed.
    #[error("could not commit the transaction")]
    Backend(#[source] BackendError),
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
    /// Dropped before it ends, the commit goes on: the transaction is then in custody, or it was
    /// not to be had.
    pub async fn take(&self, terms: Terms) -> Result<(), CustodyError> {
        self.commit(terms, None).await
    }

    /// As [`Custody::take`], with an idempotency key; in the place of the transaction's draft,
    /// where that was committed before.
    pub(super) async fn commit(
        &self,
        terms: Terms,
        idempotency_key: Option<IdempotencyKey>,
    ) -> Result<(), CustodyError> {
        let this = self.clone();
        // In a task of its own: what was committed under lease must not be left by everyone.
        let commit = tokio::spawn(async move { this.write(terms, idempotency_key).await });
        let failed = |error: tokio::task::JoinError| BackendError::Failed(error.into());
        commit
            .await
            .unwrap_or_else(|error| Err(failed(error).into()))
    }

    async fn write(
        &self,
        terms: Terms,
        idempotency_key: Option<IdempotencyKey>,
    ) -> Result<(), CustodyError> {
        let Inner { storage, live, .. } = &*self.0;
        let body = live.lock().body.clone().ok_or(CustodyError::Incomplete)?;
        let body = storage.persist(body).await?;
        let body = body.ok_or(CustodyError::Incomplete)?;

        let before = live.lock().durability;
        let mut new = self.snapshot(terms, body)?;
        if let Status::Final(FinalReason::Delivered) = new.status
            && before == Durability::Volatile
        {
            self.forgo();
            return Ok(());
        }
        new.idempotency_key = idempotency_key;
        let status = new.status.clone();
        let is_leased = new.leased_by.is_some();
        let settled = (!is_leased).then(|| new.recipients.clone());
        let committed = if before == Durability::Draft {
            storage.backend().complete(new).await
        } else {
            storage.backend().insert(new).await
        };
        if let Err(error) = committed {
            let over = live.update(Side::Reader, |state| {
                // Otherwise a draft that is given up was taken under lease meanwhile.
                if state.durability != Durability::Committing {
                    return None;
                }
                state.durability = before;
                let is_cancelled = before == Durability::Volatile && state.is_cancelled;
                is_cancelled.then(|| state.cancel_uncommitted()).flatten()
            });
            if let Some(status) = over {
                storage.report_uncommitted(live, &status);
            }
            if before == Durability::Draft {
                // Who cancelled meanwhile left that to this commit.
                storage.cancel_late_in_background(Arc::clone(live));
            }
            return Err(error.into());
        }
        self.forgo();
        self.committed(terms, status, settled);
        Ok(())
    }

    /// Goes on where the transaction is in the durable tier: as an attempt has left its recipients, or
    /// under lease.
    fn committed(&self, terms: Terms, status: Status, settled: Option<Vec<Recipient>>) {
        let Inner { storage, live, .. } = &*self.0;
        let (end, is_abandoned, given_up, before) = live.update(Side::Reader, |state| {
            state.terms = terms;
            let given_up = state.status.clone().filter(|_| state.is_final());
            let before = settled.map(|settled| {
                if state.durability != Durability::Committing {
                    // It has been taken under lease already, and goes on from there.
                    return state.recipients.clone();
                }
                state.durability = Durability::Settled;
                state.settle(status.clone());
                mem::replace(&mut state.recipients, settled)
            });
            if before.is_none() {
                state.durability = Durability::Leased {
                    fence: FENCE,
                    terms,
                };
            }
            (state.end.clone(), state.is_abandoned, given_up, before)
        });
        if let Some(before) = before {
            storage.report_kept(live, &before, &status, end.as_ref());
            storage.due_changed(&status);
            storage.cancel_late_in_background(Arc::clone(live));
        } else if let Some(end) = end {
            // What ended while the commit was under way could not be settled then.
            storage.settling(live, end).write_in_background();
        } else if is_abandoned {
            match given_up {
                // Nor could what was given up.
                Some(status) => {
                    storage
                        .postponing(live, FENCE, status)
                        .write_in_background();
                }
                None => storage.releasing(live, FENCE).write_in_background(),
            }
        }
    }

    /// What is to be committed; from here on the attempt leaves its end to be settled to whoever
    /// commits.
    fn snapshot(&self, terms: Terms, body: NewBody) -> Result<NewTransaction, CustodyError> {
        let Inner { storage, live, .. } = &*self.0;
        let mail = live.mail().ok_or(CustodyError::Incomplete)?;
        let mut state = live.lock();
        let is_open = matches!(state.durability, Durability::Volatile | Durability::Draft);
        if !is_open || state.is_cancelled {
            return Err(CustodyError::Gone);
        }
        let mut recipients = state.recipients.clone();
        let (status, attempts) = match &state.end {
            Some(end) => {
                let status = conclude(&mut recipients, end, terms, &mail.reverse_path);
                (status, vec![end.attempt.clone()])
            }
            None => (storage.due_now(), Vec::new()),
        };
        let is_attempted = attempts.is_empty() && !state.is_abandoned;
        state.durability = Durability::Committing;
        Ok(NewTransaction {
            id: live.id,
            created: live.created,
            context: Arc::clone(&live.context),
            signals: live.carried(),
            mail: mail.clone(),
            recipients,
            body: Some(body),
            terms,
            leased_by: is_attempted.then(|| storage.session()),
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
    fn lock(&self) -> MutexGuard<'_, Hold> {
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
        self.live
            .update(Side::Reader, |state| state.is_cancelled = true);
        if let Some(attempt) = attempt {
            attempt.abort();
        }
    }
}

impl From<BackendError> for CustodyError {
    fn from(error: BackendError) -> Self {
        match error {
            BackendError::Repeated(first) => Self::Repeated(first),
            BackendError::KeyReused => Self::KeyReused,
            BackendError::NotDraft => Self::Gone,
            error => Self::Backend(error),
        }
    }
}

impl fmt::Debug for Custody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Custody({})", self.0.live.id)
    }
}
