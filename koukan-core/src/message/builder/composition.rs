//! A spec with the blobs that it names.

use std::{collections::BTreeMap, sync::Arc};

use crate::blob::Blob;

use super::{Content, Spec};

/// A message that is not rendered yet: a [`Spec`], and a blob for each part that it names.
///
/// Clones are cheap and share the blobs. `Body::from` turns it into a body. While nothing was read,
/// [`Body::into_composition`](crate::body::Body::into_composition) takes it out again.
#[derive(Debug, Clone)]
pub struct Composition {
    spec: Arc<Spec>,
    parts: BTreeMap<Box<str>, Blob>,
}

/// A part of the spec has no content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unresolved {
    /// There is no blob of this name.
    #[error("no blob for part {0}")]
    CreateId(Box<str>),
    /// A `reuse_uri` was not replaced: see [`Spec::replace_reuse_uris`].
    #[error("a reuse_uri was not resolved")]
    ReuseUri(Box<str>),
}

impl Composition {
    /// Combines a spec with blobs. Blobs that the spec does not name are ignored.
    ///
    /// # Errors
    ///
    /// [`Unresolved`] where the content of a part is missing.
    pub fn new(
        spec: Arc<Spec>,
        blobs: impl IntoIterator<Item = (Box<str>, Blob)>,
    ) -> Result<Self, Unresolved> {
        let mut blobs: BTreeMap<_, _> = blobs.into_iter().collect();
        let mut parts = BTreeMap::new();
        for part in spec.parts() {
            match part.content() {
                Content::Inline(_) | Content::Octets(_) => {}
                Content::ReuseUri(uri) => return Err(Unresolved::ReuseUri(uri.clone())),
                Content::CreateId(id) if parts.contains_key(id) => {}
                Content::CreateId(id) => {
                    let blob = blobs.remove(id);
                    let blob = blob.ok_or_else(|| Unresolved::CreateId(id.clone()))?;
                    parts.insert(id.clone(), blob);
                }
            }
        }
        Ok(Self { spec, parts })
    }

    /// The description of the message.
    pub fn spec(&self) -> &Arc<Spec> {
        &self.spec
    }

    /// The blobs, by the names that the spec gives them.
    pub fn parts(&self) -> &BTreeMap<Box<str>, Blob> {
        &self.parts
    }
}
