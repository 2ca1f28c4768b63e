//! The message of a live transaction.

use std::sync::Arc;

use bytes::Bytes;
use tower::BoxError;

use crate::{
    blob::Blob,
    body::{Body, BodyError},
    message::builder::Spec,
};

/// The message: octets before the blob, and the blob, which may still grow.
#[derive(Debug, Clone)]
pub(super) struct LiveBody {
    pub(super) prefix: Vec<Bytes>,
    pub(super) blob: Blob,
    /// The parts of a composition, whose description is the blob.
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

    /// Replaces the blob of the message, or of the part with this name.
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

    /// Whether everything that is known of it is there. For a message that was read back,
    /// [`LiveBody::has_all_parts`] tells whether that is all.
    pub(super) fn is_complete(&self) -> bool {
        let mut blobs = self.blobs();
        blobs.all(|blob| blob.len().is_some())
    }

    /// Whether each part that the description names is there. A draft that was read back lacks parts
    /// that are still to come, and a finished transaction may lack parts that were removed.
    ///
    /// # Errors
    ///
    /// [`BodyError::Failed`] where the description cannot be read, or is invalid.
    pub(super) async fn has_all_parts(&self) -> Result<bool, BodyError> {
        if self.parts.is_none() {
            return Ok(true);
        }
        let spec = spec_of(self.blob.clone()).await?;
        let is_there = |name: &str| self.parts().iter().any(|part| &*part.name == name);
        Ok(spec.create_ids().into_iter().all(is_there))
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

/// The description of a message.
///
/// # Errors
///
/// [`BodyError::Failed`] where it cannot be read, or is invalid.
pub(super) async fn spec_of(description: Blob) -> Result<Spec, BodyError> {
    // It was small enough when it was taken.
    let description = Body::from(description).collect(usize::MAX).await?;
    let failed = |error: BoxError| BodyError::Failed(error);
    let json = serde_json::from_slice(&description).map_err(|error| failed(error.into()))?;
    Spec::from_stored(&json).map_err(|error| failed(error.into()))
}
