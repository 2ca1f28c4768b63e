//! The message of a transaction.

use bytes::Bytes;

use crate::blob::BlobId;

/// A message to be written: octets before the blob, and the blob.
#[derive(Debug, Clone)]
pub struct NewBody {
    /// Header fields that were prepended; complete lines.
    pub prefix: Bytes,
    /// The blob.
    pub blob: BlobId,
    /// The blob's length in octets.
    pub len: u64,
    /// The blob's octets.
    pub content: BlobContent,
    /// The meaning of the blob's octets.
    pub kind: BodyKind,
    /// The parts of a composition that are there; names are unique.
    pub parts: Vec<NewPart>,
}

/// The meaning of the octets of a body's blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum BodyKind {
    /// The message.
    #[default]
    Message,
    /// The description of a message, in JSON, whose parts are blobs with names.
    Composition,
}

/// A part of a composition, to be written.
#[derive(Debug, Clone)]
pub struct NewPart {
    /// Its name in the description.
    pub name: Box<str>,
    /// The blob.
    pub blob: BlobId,
    /// The blob's length in octets.
    pub len: u64,
    /// The blob's octets.
    pub content: BlobContent,
}

/// The source of a blob's octets when a transaction is written.
#[derive(Debug, Clone)]
pub enum BlobContent {
    /// They are written in the same commit, unless the blob exists.
    Inline(Vec<Bytes>),
    /// They were appended and finished before.
    Stored,
}

/// A message in a backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBody {
    /// Octets before the blob.
    pub prefix: Bytes,
    /// The blob, to be read with [`Blobs::read_blob`](crate::storage::Blobs::read_blob).
    pub blob: BlobId,
    /// The blob's length in octets.
    pub len: u64,
    /// What the blob's octets are.
    pub kind: BodyKind,
    /// The parts of a composition that are there, in the order in which they were written.
    pub parts: Vec<StoredPart>,
}

/// A part of a composition in a backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPart {
    /// What the description calls it.
    pub name: Box<str>,
    /// The blob, to be read with [`Blobs::read_blob`](crate::storage::Blobs::read_blob).
    pub blob: BlobId,
    /// The blob's length in octets.
    pub len: u64,
}

impl NewBody {
    /// A message that is one blob, with nothing before it.
    pub fn message(blob: BlobId, len: u64, content: BlobContent) -> Self {
        Self {
            prefix: Bytes::new(),
            blob,
            len,
            content,
            kind: BodyKind::Message,
            parts: Vec::new(),
        }
    }
}

impl StoredBody {
    /// The blobs that it refers to: that of the body, and those of the parts.
    pub fn blobs(&self) -> impl Iterator<Item = BlobId> + '_ {
        let parts = self.parts.iter().map(|part| part.blob);
        std::iter::once(self.blob).chain(parts)
    }
}
