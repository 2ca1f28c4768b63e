//! Writing bodies to the durable tier, and reading them back.

use std::{io, sync::Arc};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};

use crate::blob::{Backing, Blob, BlobId};

use super::{
    Backend, BackendError, Storage,
    live_body::{LiveBody, LivePart},
    record::{BlobContent, BodyKind, NewBody, NewPart, StoredBody},
};

/// The largest blob that is written in the transaction's own commit, in octets; larger ones are
/// written before it.
const INLINE_MAX: u64 = 64 << 10;
/// Octets of a larger blob that are written at a time.
const PIECE: usize = 256 << 10;

impl Storage {
    /// Prepares a body for its commit, with the parts that are finished; large blobs are written
    /// now. `None` where something is not finished.
    pub(super) async fn persist(&self, body: LiveBody) -> Result<Option<NewBody>, BackendError> {
        let is_complete = body.is_complete();
        let body = self.persist_finished(body).await?;
        Ok(body.filter(|_| is_complete))
    }

    /// As [`Storage::persist`], leaving out parts that are not finished.
    pub(super) async fn persist_finished(
        &self,
        body: LiveBody,
    ) -> Result<Option<NewBody>, BackendError> {
        let mut room = INLINE_MAX;
        let Some((len, content)) = self.persist_blob(&body.blob, &mut room).await? else {
            return Ok(None);
        };
        let mut parts = Vec::new();
        for part in body.parts() {
            if let Some((len, content)) = self.persist_blob(&part.blob, &mut room).await? {
                parts.push(NewPart {
                    name: part.name.clone(),
                    blob: part.blob.id(),
                    len,
                    content,
                });
            }
        }
        Ok(Some(NewBody {
            blob: body.blob.id(),
            len,
            content,
            kind: match body.parts {
                Some(_) => BodyKind::Composition,
                None => BodyKind::Message,
            },
            parts,
            prefix: join(body.prefix),
        }))
    }

    /// The length and the octets of a blob, if it is finished. A blob that is too large for the
    /// transaction's own commit is written now.
    async fn persist_blob(
        &self,
        blob: &Blob,
        room: &mut u64,
    ) -> Result<Option<(u64, BlobContent)>, BackendError> {
        let Some(len) = blob.len() else {
            return Ok(None);
        };
        if let Some(octets) = blob.in_memory()
            && len <= *room
        {
            *room -= len;
            return Ok(Some((len, BlobContent::Inline(octets))));
        }
        blob.persist(|| self.write_blob(blob, len)).await?;
        Ok(Some((len, BlobContent::Stored)))
    }

    async fn write_blob(&self, blob: &Blob, len: u64) -> Result<(), BackendError> {
        let now = self.clock().now();
        let mut reader = blob.reader();
        // Octets that an earlier try has written are kept.
        let mut offset = blob.stored_len();
        let mut skip = offset;
        let mut piece = BytesMut::new();
        loop {
            let octets = reader.next().await;
            let octets = octets.map_err(|error| BackendError::Failed(error.into()))?;
            let new = octets.as_deref().unwrap_or_default();
            let known = usize::try_from(skip).map_or(new.len(), |skip| skip.min(new.len()));
            skip -= known as u64;
            piece.extend_from_slice(&new[known..]);
            if piece.len() >= PIECE || octets.is_none() && !piece.is_empty() {
                let written = piece.split().freeze();
                let next = offset + written.len() as u64;
                self.backend()
                    .append_blob(blob.id(), offset, written, now)
                    .await?;
                offset = next;
                blob.set_stored_len(offset);
            }
            if octets.is_none() {
                break;
            }
        }
        self.backend().finish_blob(blob.id(), len).await?;
        blob.rebase(self.backing(blob.id()));
        Ok(())
    }

    /// A body in the backend.
    pub(super) fn stored_body(&self, body: StoredBody) -> LiveBody {
        let blob = |id, len| Blob::stored(id, len, self.backing(id));
        let parts = body.parts.into_iter().map(|part| LivePart {
            blob: blob(part.blob, part.len),
            name: part.name,
        });
        LiveBody {
            parts: match body.kind {
                BodyKind::Message => None,
                BodyKind::Composition => Some(parts.collect()),
            },
            blob: blob(body.blob, body.len),
            prefix: vec![body.prefix],
        }
    }

    pub(super) fn backing(&self, blob: BlobId) -> Arc<dyn Backing> {
        Arc::new(StoredOctets {
            backend: Arc::clone(self.backend()),
            blob,
        })
    }
}

/// The octets of a blob in the backend.
struct StoredOctets {
    backend: Arc<dyn Backend>,
    blob: BlobId,
}

#[async_trait]
impl Backing for StoredOctets {
    async fn read(&self, offset: u64) -> io::Result<Bytes> {
        let octets = self.backend.read_blob(self.blob, offset).await;
        octets.map_err(io::Error::other)
    }
}

fn join(mut pieces: Vec<Bytes>) -> Bytes {
    match pieces.len() {
        0 => Bytes::new(),
        1 => pieces.remove(0),
        _ => pieces.concat().into(),
    }
}
