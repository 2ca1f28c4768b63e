//! Custody of transactions: the promise to deliver them.

use std::{
    fmt,
    future::poll_fn,
    sync::Arc,
    task::{self, Poll},
};

use tokio::task::AbortHandle;

use crate::sync::{Mutex, MutexGuard, PoisonError};

use super::{
    BackendError, Storage,
    live::{Live, Side},
    record::{IdempotencyKey, Terms, TransactionId},
};

/// The right to take a transaction into custody; a StorageWriter attaches it to negative replies
/// (see [`Reply::extensions`](crate::reply::Reply::extensions)).
///
/// Taking custody commits the transaction, which is then retried and notified under the given
/// terms; afterwards the caller may answer 250. If the last clone is dropped without taking
/// custody, the transaction is cancelled and gone.
#[derive(Clone)]
pub struct Custody(Arc<Inner>);

struct Inner {
    storage: Storage,
    live: Arc<Live>,
    hold: Mutex<Hold>,
}

/// What happens to the attempt when the last handle is dropped.
#[derive(Default)]
struct Hold {
    is_taken: bool,
    /// The attempt, if it runs by itself.
    attempt: Option<AbortHandle>,
}

/// Why a transaction could not be taken into custody. Nothing was promised.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CustodyError {
    /// The message is not complete, and will not be.
    #[error("the message is not complete")]
    Incomplete,
    /// It was taken or given up before.
    #[error("the transaction is no longer available")]
    Gone,
    /// An earlier transaction of the sender has the same idempotency key. Nothing was committed.
    #[error("the idempotency key is that of transaction {0}")]
    Repeated(TransactionId),
    /// An earlier transaction of the sender has the same idempotency key, but was another request.
    /// Nothing was committed.
    #[error("the idempotency key is that of another request")]
    KeyReused,
    /// The backend failed.
    #[error("could not commit the transaction")]
    Backend(#[source] BackendError),
}

impl Custody {
    pub(super) fn new(storage: Storage, live: Arc<Live>) -> Self {
        Self(Arc::new(Inner {
            storage,
            live,
            hold: Mutex::default(),
        }))
    }

    /// Commits the transaction under these terms, once its whole message is there.
    ///
    /// When it returns `Ok`, the message is durable, or upstream has accepted it meanwhile.
    ///
    /// If the message is still arriving, the caller must let it progress while it waits.
    ///
    /// # Errors
    ///
    /// [`CustodyError`]. The client must not be told that its message was accepted.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, a commit that has begun continues: the transaction is then in
    /// custody, or was not available.
    pub async fn take(&self, terms: Terms) -> Result<(), CustodyError> {
        Self::take_all([self], terms).await
    }

    /// As [`Custody::take`], for several transactions: all or none, if they belong to one
    /// [`Storage`].
    ///
    /// # Errors
    ///
    /// [`CustodyError`]. None was taken, except those that upstream has accepted meanwhile.
    ///
    /// # Cancel safety
    ///
    /// As [`Custody::take`].
    pub async fn take_all<'a>(
        custodies: impl IntoIterator<Item = &'a Self>,
        terms: Terms,
    ) -> Result<(), CustodyError> {
        let custodies = Self::complete(custodies).await?;
        Self::commit_all(custodies, terms, None).await
    }

    /// Waits until their whole messages are there.
    pub(super) async fn complete<'a>(
        custodies: impl IntoIterator<Item = &'a Self>,
    ) -> Result<Vec<Self>, CustodyError> {
        let custodies: Vec<_> = custodies.into_iter().cloned().collect();
        for custody in &custodies {
            poll_fn(|cx| custody.poll_whole(cx)).await?;
        }
        Ok(custodies)
    }

    /// Commits the transaction, whose message is there, with an idempotency key. It replaces its
    /// draft, if one was committed before.
    pub(super) async fn commit(
        &self,
        terms: Terms,
        idempotency_key: Option<IdempotencyKey>,
    ) -> Result<(), CustodyError> {
        Self::commit_all(vec![self.clone()], terms, idempotency_key).await
    }

    /// Commits transactions, all or none, if they belong to one [`Storage`]. The first has the idempotency
    /// key.
    pub(super) async fn commit_all(
        mut left: Vec<Self>,
        terms: Terms,
        mut idempotency_key: Option<IdempotencyKey>,
    ) -> Result<(), CustodyError> {
        // In a task of its own, since transactions committed under a lease must not be abandoned.
        let commit = tokio::spawn(async move {
            while let Some(first) = left.first() {
                let storage = first.0.storage.clone();
                let is_own = |one: &Self| one.is_of(&storage);
                // The usual case costs nothing.
                if left.iter().all(is_own) {
                    return storage.commit(left, terms, idempotency_key).await;
                }
                let (own, others) = left.into_iter().partition(is_own);
                storage.commit(own, terms, idempotency_key.take()).await?;
                left = others;
            }
            Ok(())
        });
        let failed = |error: tokio::task::JoinError| BackendError::Failed(error.into());
        let committed = commit.await;
        committed.unwrap_or_else(|error| Err(failed(error).into()))
    }

    pub(super) fn is_of(&self, storage: &Storage) -> bool {
        Arc::ptr_eq(&self.0.storage.0, &storage.0)
    }

    pub(super) fn storage(&self) -> &Storage {
        &self.0.storage
    }

    pub(super) fn live(&self) -> &Arc<Live> {
        &self.0.live
    }

    /// Whether there is another handle.
    pub(super) fn is_shared(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    /// Ready when the whole message is there, or never will be.
    fn poll_whole(&self, cx: &task::Context<'_>) -> Poll<Result<(), CustodyError>> {
        loop {
            let known = self
                .live()
                .poll(cx, Side::Reader, |state| match &state.body {
                    _ if state.is_cancelled => Some(Err(CustodyError::Gone)),
                    Some(body) if body.is_complete() => Some(Ok(())),
                    None if state.is_input_gone => Some(Err(CustodyError::Incomplete)),
                    _ => None,
                });
            if known.is_ready() {
                return known;
            }
            let Some(body) = self.live().lock().body.clone() else {
                return Poll::Pending;
            };
            for blob in body.blobs() {
                match blob.poll_ended(cx) {
                    Poll::Ready(Ok(_)) => {}
                    Poll::Ready(Err(_)) => return Poll::Ready(Err(CustodyError::Incomplete)),
                    Poll::Pending => return Poll::Pending,
                }
            }
        }
    }

    /// Keeps the attempt, which now runs by itself, going while somebody may take custody or has
    /// taken it.
    pub fn keep_attempt(&self, attempt: AbortHandle) {
        self.0.lock().attempt = Some(attempt);
    }

    /// Gives up the right without cancelling the transaction.
    pub(super) fn forgo(&self) {
        self.0.lock().is_taken = true;
    }

    /// Gives up the right, and the transaction with it, although there may be other handles.
    pub(super) fn give_up(&self) {
        self.0.cancel();
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Hold> {
        self.hold.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Cancels the transaction, unless it is, or was, in custody.
    fn cancel(&self) {
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

impl Drop for Inner {
    fn drop(&mut self) {
        self.cancel();
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
