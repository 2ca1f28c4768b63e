//! The message of a transaction that is to be written.

use bytes::{Bytes, BytesMut};
use koukan_core::storage::{
    BackendError,
    record::{BlobContent, BodyKind, NewBody},
};

use crate::query::Values;

/// The largest chunk, in octets.
pub(crate) const CHUNK: usize = 256 << 10;

/// A body: its blob and its parts.
pub(crate) struct BodyRow {
    pub(super) prefix: Bytes,
    pub(super) blob: BlobRow,
    /// `None` for a message without parts.
    pub(super) kind: Option<&'static str>,
    pub(crate) parts: Vec<PartRow>,
}

/// A part of a composition.
pub(crate) struct PartRow {
    position: i64,
    name: Box<str>,
    blob: BlobRow,
}

/// A blob, with its chunks where they are to be written.
pub(crate) struct BlobRow {
    pub(crate) id: String,
    pub(crate) len: i64,
    /// The start and the octets of each.
    pub(crate) chunks: Option<Vec<(i64, Bytes)>>,
}

impl BodyRow {
    /// # Errors
    ///
    /// [`BackendError::NoSuchBlob`] where the octets of a blob do not have the declared length.
    pub(super) fn new(body: NewBody) -> Result<Self, BackendError> {
        let kind = match body.kind {
            BodyKind::Message if body.parts.is_empty() => None,
            kind => Some(kind_as_str(kind)),
        };
        let mut parts = Vec::with_capacity(body.parts.len());
        for (position, part) in (0..).zip(body.parts) {
            parts.push(PartRow {
                position,
                name: part.name,
                blob: BlobRow::new(part.blob.to_string(), part.len, part.content)?,
            });
        }
        Ok(Self {
            prefix: body.prefix,
            blob: BlobRow::new(body.blob.to_string(), body.len, body.content)?,
            kind,
            parts,
        })
    }

    /// The blobs that the body refers to.
    pub(crate) fn blobs(&self) -> impl Iterator<Item = &BlobRow> {
        let parts = self.parts.iter().map(|part| &part.blob);
        std::iter::once(&self.blob).chain(parts)
    }

    pub(super) fn weight(&self) -> usize {
        let chunks = self.blobs().filter_map(|blob| blob.chunks.as_ref());
        let octets: usize = chunks.flatten().map(|(_, octets)| octets.len()).sum();
        let names: usize = self.parts.iter().map(|part| part.name.len()).sum();
        self.prefix.len() + octets + names
    }
}

impl PartRow {
    /// Binds the values of [`INSERT_PART`](crate::query::INSERT_PART).
    pub(crate) fn bind(&self, transaction: &str, values: &mut Values) {
        values
            .add(transaction)
            .add(self.position)
            .add(&*self.name)
            .add(self.blob.id.as_str())
            .add(self.blob.len);
    }
}

impl BlobRow {
    fn new(id: String, len: u64, content: BlobContent) -> Result<Self, BackendError> {
        let chunks = match content {
            BlobContent::Stored => None,
            BlobContent::Inline(pieces) => {
                let sum: usize = pieces.iter().map(Bytes::len).sum();
                if sum as u64 != len {
                    return Err(BackendError::NoSuchBlob);
                }
                Some(chunks(0, join(pieces, sum)))
            }
        };
        Ok(Self {
            id,
            len: i64::try_from(len).map_err(|_| BackendError::NoSuchBlob)?,
            chunks,
        })
    }
}

/// The column `body_kind`.
pub(super) fn kind_as_str(kind: BodyKind) -> &'static str {
    match kind {
        BodyKind::Message => "message",
        BodyKind::Composition => "composition",
    }
}

/// Cuts octets that begin at `start` into chunks.
pub(crate) fn chunks(start: i64, mut octets: Bytes) -> Vec<(i64, Bytes)> {
    let mut chunks = Vec::with_capacity(octets.len().div_ceil(CHUNK));
    let mut start = start;
    while !octets.is_empty() {
        let chunk = octets.split_to(octets.len().min(CHUNK));
        let len = i64::try_from(chunk.len()).expect("a chunk is small");
        chunks.push((start, chunk));
        start += len;
    }
    chunks
}

fn join(mut pieces: Vec<Bytes>, len: usize) -> Bytes {
    if pieces.len() == 1 {
        return pieces.remove(0);
    }
    let mut joined = BytesMut::with_capacity(len);
    pieces
        .iter()
        .for_each(|piece| joined.extend_from_slice(piece));
    joined.freeze()
}
