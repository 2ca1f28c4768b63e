//! The errors of backends.

use tower::BoxError;

use crate::storage::record::TransactionId;

/// Why a backend could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackendError {
    /// The lease is not held: another session has it, or it was settled.
    #[error("the lease is no longer held")]
    LeaseLost,
    /// The session is dead: it was not refreshed for too long, or has ended.
    #[error("the session is dead")]
    SessionLost,
    /// A transaction of the same sender has the same idempotency key. This is its identity.
    #[error("the idempotency key is that of transaction {0}")]
    Repeated(TransactionId),
    /// A transaction of the same sender has the same idempotency key, but was another request.
    #[error("the idempotency key is that of another request")]
    KeyReused,
    /// There is no draft of that identity that could be completed.
    #[error("no such draft")]
    NotDraft,
    /// There is no finished blob of that identity and length.
    #[error("no such blob")]
    NoSuchBlob,
    /// The blob does not end where the octets begin, or is finished.
    #[error("blob has another length or is finished")]
    BlobConflict,
    /// The medium is full.
    #[error("storage is full")]
    Full(#[source] BoxError),
    /// Stored data cannot be read.
    #[error("stored data is malformed")]
    Malformed(#[source] BoxError),
    /// The medium failed.
    #[error("storage failed")]
    Failed(#[source] BoxError),
}
