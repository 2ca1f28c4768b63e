//! Why a stream of a transaction did not end cleanly: leaf errors that the whole crate may use.

use tower::BoxError;

use crate::reply::Rejection;

/// The originator of a transaction is gone: nobody waits for an answer, and nothing may be
/// delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("transaction aborted by its originator")]
pub struct Aborted;

/// A body that did not end cleanly. The delivery must be abandoned before the final dot.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// The originator is gone.
    #[error("body aborted")]
    Aborted(#[from] Aborted),
    /// A filter refuses the content.
    #[error("body rejected")]
    Rejected(#[from] Rejection),
    /// Something broke.
    #[error("body failed")]
    Failed(#[source] BoxError),
}

impl BodyError {
    /// Whether the originator is gone, so that nobody waits for an answer.
    pub fn is_aborted(&self) -> bool {
        matches!(self, Self::Aborted(_))
    }
}
