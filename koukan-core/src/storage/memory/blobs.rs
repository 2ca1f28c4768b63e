//! The blobs of an in-memory store.

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;
use jiff::Timestamp;

use crate::{
    blob::BlobId,
    storage::{
        BackendError,
        record::{BlobContent, NewBody, StoredTransaction},
    },
};

#[derive(Default)]
pub(super) struct Blobs {
    blobs: HashMap<BlobId, Blob>,
    /// Blobs to which no transaction with work left refers, oldest first.
    orphans: BTreeSet<(Timestamp, BlobId)>,
}

struct Blob {
    created: Timestamp,
    /// The octets in order, each piece with the offset at which it begins; none is empty.
    pieces: Vec<(u64, Bytes)>,
    len: u64,
    is_finished: bool,
    references: u64,
}

impl Blobs {
    pub(super) fn append(
        &mut self,
        id: BlobId,
        offset: u64,
        octets: Bytes,
        now: Timestamp,
    ) -> Result<(), BackendError> {
        match self.blobs.get_mut(&id) {
            Some(blob) if blob.is_finished || blob.len != offset => Err(BackendError::BlobConflict),
            Some(blob) => {
                blob.push(octets);
                Ok(())
            }
            None if offset != 0 => Err(BackendError::BlobConflict),
            None => {
                self.create(id, now).push(octets);
                Ok(())
            }
        }
    }

    pub(super) fn finish(&mut self, id: BlobId, len: u64) -> Result<(), BackendError> {
        let blob = self.blobs.get_mut(&id).ok_or(BackendError::NoSuchBlob)?;
        if blob.len != len {
            return Err(BackendError::BlobConflict);
        }
        blob.is_finished = true;
        Ok(())
    }

    pub(super) fn read(&self, id: BlobId, offset: u64) -> Result<Bytes, BackendError> {
        let blob = self.blobs.get(&id).filter(|blob| blob.is_finished);
        let blob = blob.ok_or(BackendError::NoSuchBlob)?;
        if offset >= blob.len {
            return Err(BackendError::NoSuchBlob);
        }
        let after = blob.pieces.partition_point(|(start, _)| *start <= offset);
        let (start, piece) = &blob.pieces[after - 1];
        let skipped = usize::try_from(offset - start).expect("the offset lies within the piece");
        Ok(piece.slice(skipped..))
    }

    /// As `read`, for blobs that are one small piece.
    pub(super) fn read_small(&self, ids: &[BlobId], max: u64) -> Vec<(BlobId, Bytes)> {
        let small = |id: &BlobId| {
            let blob = self.blobs.get(id).filter(|blob| blob.is_finished)?;
            match &*blob.pieces {
                [(0, piece)] if blob.len <= max => Some((*id, piece.clone())),
                _ => None,
            }
        };
        ids.iter().filter_map(small).collect()
    }

    /// Whether a transaction with this body can be written.
    pub(super) fn check(&self, body: &NewBody) -> Result<(), BackendError> {
        self.check_with(body, &mut HashMap::new())
    }

    /// As `check`, if blobs that others have `brought` exist as well; adds those of this body.
    /// brings.
    pub(super) fn check_with(
        &self,
        body: &NewBody,
        brought: &mut HashMap<BlobId, u64>,
    ) -> Result<(), BackendError> {
        let mut can_write =
            |blob, content: &BlobContent, len| match (self.blobs.get(&blob), content) {
                (Some(blob), _) => blob.is_finished && blob.len == len,
                (None, BlobContent::Inline(pieces)) => {
                    *brought.entry(blob).or_insert_with(|| length(pieces)) == len
                }
                (None, BlobContent::Stored) => brought.get(&blob) == Some(&len),
            };
        let parts = &mut body.parts.iter();
        let is_fine = can_write(body.blob, &body.content, body.len)
            && parts.all(|part| can_write(part.blob, &part.content, part.len));
        is_fine.then_some(()).ok_or(BackendError::NoSuchBlob)
    }

    /// Writes a blob that comes with its transaction, unless it exists.
    pub(super) fn insert(&mut self, id: BlobId, content: BlobContent, now: Timestamp) {
        let BlobContent::Inline(pieces) = content else {
            return;
        };
        if !self.contains(id) {
            let blob = self.create(id, now);
            pieces.into_iter().for_each(|piece| blob.push(piece));
            blob.is_finished = true;
        }
    }

    pub(super) fn contains(&self, id: BlobId) -> bool {
        self.blobs.contains_key(&id)
    }

    /// A transaction as it is read back: without a body and parts that were collected.
    pub(super) fn view(&self, stored: &StoredTransaction) -> StoredTransaction {
        let mut stored = stored.clone();
        stored.body = stored.body.filter(|body| self.contains(body.blob));
        if let Some(body) = &mut stored.body {
            body.parts.retain(|part| self.contains(part.blob));
        }
        stored
    }

    /// Counts another transaction with work left.
    pub(super) fn refer(&mut self, id: BlobId) {
        if let Some(blob) = self.blobs.get_mut(&id) {
            blob.references += 1;
            self.orphans.remove(&(blob.created, id));
        }
    }

    pub(super) fn unrefer(&mut self, id: BlobId) {
        if let Some(blob) = self.blobs.get_mut(&id) {
            blob.references -= 1;
            if blob.references == 0 {
                self.orphans.insert((blob.created, id));
            }
        }
    }

    /// Removes at most `limit` orphans that were created before `until`.
    pub(super) fn collect(&mut self, until: Timestamp, limit: usize) -> u64 {
        let mut removed = 0;
        while removed < limit as u64
            && let Some((created, id)) = self.orphans.first().copied()
            && created < until
        {
            self.orphans.remove(&(created, id));
            self.blobs.remove(&id);
            removed += 1;
        }
        removed
    }

    fn create(&mut self, id: BlobId, now: Timestamp) -> &mut Blob {
        self.orphans.insert((now, id));
        self.blobs.entry(id).or_insert(Blob {
            created: now,
            pieces: Vec::new(),
            len: 0,
            is_finished: false,
            references: 0,
        })
    }
}

impl Blob {
    fn push(&mut self, octets: Bytes) {
        if !octets.is_empty() {
            let start = self.len;
            self.len += octets.len() as u64;
            self.pieces.push((start, octets));
        }
    }
}

fn length(pieces: &[Bytes]) -> u64 {
    pieces.iter().map(|piece| piece.len() as u64).sum()
}
