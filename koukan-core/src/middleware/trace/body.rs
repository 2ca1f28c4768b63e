use bytes::Bytes;

use crate::{blob::Blob, body::Observer};

use super::record::Record;

/// Counts the octets of a body.
pub(super) struct Octets {
    record: Record,
    passed: u64,
}

impl Octets {
    pub(super) fn new(record: Record) -> Self {
        Self { record, passed: 0 }
    }
}

impl Observer for Octets {
    fn passed(&mut self, chunk: &Bytes) {
        self.passed += chunk.len() as u64;
    }

    fn taken(&mut self, prefix: u64, blobs: &[Blob]) {
        self.passed += prefix;
        self.record.blobs(blobs.to_vec());
    }
}

impl Drop for Octets {
    fn drop(&mut self) {
        self.record.octets(self.passed);
    }
}
