//! Taking a transaction into custody: promising to deliver it.

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
    /// The message is not complete, and will not be.
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

impl Custody {
    pub(super) fn new(storage: Storage, live: Arc<Live>) -> Self {
        Self(Arc::new(Inner {
            storage,
            live,
            hold: Mutex::default(),
        }))
    }

    /// Commits the transaction under these terms, once all of its message is there.
    ///
    /// When it returns `Ok`, the message is durable, or upstream has taken it in the meantime.
    ///
    /// Whoever waits for it while the message still comes has to have that go on meanwhile.
    ///
    /// # Errors
    ///
    /// [`CustodyError`]; the client must not be told that its message was taken.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it ends, the commit goes on where it has begun: the transaction is then in
    /// custody, or it was not to be had.
    pub async fn take(&self, terms: Terms) -> Result<(), CustodyError> {
        Self::take_all([self], terms).await
    }

    /// As [`Custody::take`], of several transactions: all of them or none, as far as they are of one
    /// [`Storage`].
    ///
    /// # Errors
    ///
    /// [`CustodyError`]; none was taken, but for those that upstream has taken in the meantime.
    ///
    /// # Cancel safety
    ///
    /// As [`Custody::take`].
    pub async fn take_all<'a>(
        custodies: impl IntoIterator<Item = &'a Self>,
        terms: Terms,
    ) -> Result<(), CustodyError> {
        let custodies: Vec<_> = custodies.into_iter().cloned().collect();
        for custody in &custodies {
            poll_fn(|cx| custody.poll_whole(cx)).await?;
        }
        Self::commit_all(custodies, terms, None).await
    }

    /// Commits the transaction, whose message is there, with an idempotency key; in the place of its
    /// draft, where that was committed before.
    pub(super) async fn commit(
        &self,
        terms: Terms,
        idempotency_key: Option<IdempotencyKey>,
    ) -> Result<(), CustodyError> {
        Self::commit_all(vec![self.clone()], terms, idempotency_key).await
    }

    /// Commits transactions: all of them or none, as far as they are of one [`Storage`]. The first has the
    /// idempotency key.
    pub(super) async fn commit_all(
        mut left: Vec<Self>,
        terms: Terms,
        mut idempotency_key: Option<IdempotencyKey>,
    ) -> Result<(), CustodyError> {
        // In a task of its own: what was committed under lease must not be left by everyone.
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

    fn is_of(&self, storage: &Storage) -> bool {
        Arc::ptr_eq(&self.0.storage.0, &storage.0)
    }

    pub(super) fn live(&self) -> &Arc<Live> {
        &self.0.live
    }

    /// Whether somebody else has it, too.
    pub(super) fn is_shared(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    /// Ready when all of the message is there, or it is known that this will not be.
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
