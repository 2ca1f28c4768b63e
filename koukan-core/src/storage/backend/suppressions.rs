//! The part of a backend that keeps suppressed addresses.

use std::fmt;

use async_trait::async_trait;

use crate::storage::record::{Suppression, SuppressionChange};

use super::BackendError;

/// Keeps addresses that are suppressed for a sender for some time: one of the five parts of a
/// [`Backend`](super::Backend).
///
/// Addresses that attempts found to be bad
/// ([`Attempt::suppresses`](crate::storage::record::Attempt::suppresses)) are written with the attempts, in
/// the same commit.
///
/// # Cancel safety
///
/// A write whose future is dropped is done completely or not at all.
#[async_trait]
pub trait SuppressionLists: fmt::Debug + Send + Sync + 'static {
    /// Suppresses an address for a sender, or ends that.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn change_suppression(&self, change: SuppressionChange) -> Result<(), BackendError>;

    /// All suppressions, in no particular order, at most 100,000. Those that have ended may be among them
    /// until [`collect_garbage`](super::Sessions::collect_garbage) removes them.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn suppressions(&self) -> Result<Vec<Suppression>, BackendError>;
}
