//! The octets of messages.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;

use crate::blob::BlobId;

use super::BackendError;

/// The octets of messages: one of the five parts of a [`Backend`](super::Backend).
///
/// A blob grows until it is finished and never changes then. Transactions refer to finished ones; of
/// those to which none does, [`Sessions::collect_garbage`](super::Sessions::collect_garbage) removes what is old.
///
/// # Cancel safety
///
/// A write whose future is dropped is either done or not done, as a whole.
#[async_trait]
pub trait Blobs: fmt::Debug + Send + Sync + 'static {
    /// Writes the next octets of a blob, which begins at offset 0.
    ///
    /// # Errors
    ///
    /// [`BackendError::BlobConflict`] where the blob does not end at `offset` or is finished.
    async fn append_blob(
        &self,
        blob: BlobId,
        offset: u64,
        octets: Bytes,
        now: Timestamp,
    ) -> Result<(), BackendError>;

    /// Finishes a blob of `len` octets; from now on transactions can refer to it. Doing so again changes
    /// nothing.
    ///
    /// # Errors
    ///
    /// [`BackendError::BlobConflict`] where the blob has another length; [`BackendError::NoSuchBlob`].
    async fn finish_blob(&self, blob: BlobId, len: u64) -> Result<(), BackendError>;

    /// Reads from `offset` of a finished blob at least one octet, as many as are convenient.
    ///
    /// # Errors
    ///
    /// [`BackendError::NoSuchBlob`] where there is no finished blob or it ends before `offset`.
    async fn read_blob(&self, blob: BlobId, offset: u64) -> Result<Bytes, BackendError>;

    /// Reads finished blobs of one octet up to so many as a whole, in any order. What is not there is left out,
    /// and any other may be: each of these is asked for by [`Blobs::read_blob`], as where this fails.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn read_small_blobs(
        &self,
        _blobs: &[BlobId],
        _max: u64,
    ) -> Result<Vec<(BlobId, Bytes)>, BackendError> {
        Ok(Vec::new())
    }
}
