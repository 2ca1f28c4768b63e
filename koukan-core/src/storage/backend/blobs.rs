//! The octets of messages.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;

use crate::blob::BlobId;

use super::BackendError;

/// The octets of messages: one of the five parts of a [`Backend`](super::Backend).
///
/// A blob grows until it is finished, and never changes afterwards. Transactions refer to finished blobs.
/// [`Sessions::collect_garbage`](super::Sessions::collect_garbage) removes old blobs without references.
///
/// # Cancel safety
///
/// A write whose future is dropped is done completely or not at all.
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

    /// Finishes a blob of `len` octets; from now on transactions can refer to it. Repeating the call
    /// changes nothing.
    ///
    /// # Errors
    ///
    /// [`BackendError::BlobConflict`] where the blob has another length; [`BackendError::NoSuchBlob`].
    async fn finish_blob(&self, blob: BlobId, len: u64) -> Result<(), BackendError>;

    /// Reads at least one octet of a finished blob from `offset` on, and as many as are convenient.
    ///
    /// # Errors
    ///
    /// [`BackendError::NoSuchBlob`] where there is no finished blob or it ends before `offset`.
    async fn read_blob(&self, blob: BlobId, offset: u64) -> Result<Bytes, BackendError>;

    /// Reads complete blobs of 1 to `max` octets, in any order. Missing blobs are left out, and any others may
    /// be: these are read by [`Blobs::read_blob`], as after an error.
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
