//! The message of a live transaction.

use std::sync::Arc;

use bytes::Bytes;

use crate::blob::Blob;

/// The message: octets that stand before the blob, and the blob, which may still grow.
#[derive(Debug, Clone)]
pub(super) struct LiveBody {
    pub(super) prefix: Vec<Bytes>,
    pub(super) blob: Blob,
    /// The parts of a composition, whose description the blob is.
    pub(super) parts: Option<Arc<[LivePart]>>,
}

/// A part of a composition, which may still grow.
#[derive(Debug, Clone)]
pub(super) struct LivePart {
    pub(super) name: Box<str>,
    pub(super) blob: Blob,
}

impl LiveBody {
    pub(super) fn message(prefix: Vec<Bytes>, blob: Blob) -> Self {
        Self {
            prefix,
            blob,
            parts: None,
        }
    }

    /// The parts of a composition; none of a message.
    pub(super) fn parts(&self) -> &[LivePart] {
        self.parts.as_deref().unwrap_or_default()
    }

    /// Sets another blob in the place of the message, or of the part of that name.
    pub(super) fn replace(&mut self, name: &str, blob: Blob) {
        let Some(parts) = &self.parts else {
            self.blob = blob;
            return;
        };
        let replaced = parts.iter().map(|part| match *part.name == *name {
            true => LivePart {
                name: part.name.clone(),
                blob: blob.clone(),
            },
            false => part.clone(),
        });
        self.parts = Some(replaced.collect());
    }

    /// Whether all of it is there.
    pub(super) fn is_complete(&self) -> bool {
        let mut blobs = self.blobs();
        blobs.all(|blob| blob.len().is_some())
    }

    /// How often octets of it could not be read back.
    pub(super) fn read_failures(&self) -> u32 {
        self.blobs().map(Blob::read_failures).sum()
    }

    pub(super) fn blobs(&self) -> impl Iterator<Item = &Blob> {
        let parts = self.parts().iter().map(|part| &part.blob);
        std::iter::once(&self.blob).chain(parts)
    }
}
