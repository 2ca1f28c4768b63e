//! The part of a backend that keeps addresses to which nothing is sent.

use std::fmt;

use async_trait::async_trait;

use crate::storage::record::{Suppression, SuppressionChange};

use super::BackendError;

/// Keeps addresses to which senders send nothing for a while: one of the five parts of a
/// [`Backend`](super::Backend).
///
/// What attempts have found to be bad ([`Attempt::suppresses`](crate::storage::record::Attempt::suppresses))
/// is written with them, in the same commit, by whatever function of the backend writes those.
///
/// # Cancel safety
///
/// A write whose future is dropped is either done or not done, as a whole.
#[async_trait]
pub trait SuppressionLists: fmt::Debug + Send + Sync + 'static {
    /// Suppresses an address for a sender, or has it sent to again.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn change_suppression(&self, change: SuppressionChange) -> Result<(), BackendError>;

    /// All that is suppressed, in no particular order, 100,000 at most; what has ended may be among it until
    /// [`collect_garbage`](super::Sessions::collect_garbage) removes it.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn suppressions(&self) -> Result<Vec<Suppression>, BackendError>;
}
