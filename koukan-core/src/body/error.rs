//! Why a body ends before its end.

use tower::BoxError;

use crate::{reply::Rejection, transaction::Aborted};

/// A body does not end cleanly; the delivery must be abandoned before the final dot.
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
