//! The message in a form that can be sent again as long as nothing of it was accepted.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_core::Stream;

use crate::{
    blob::Blob,
    body::{Body, BodyError},
    message::builder::Composition,
};

use super::Progress;

/// The message, by reference if possible.
pub(in super::super) enum Content {
    Blob(Vec<Bytes>, Blob),
    Composition(Vec<Bytes>, Composition),
    Stream(Shared),
}

impl Content {
    /// The content of a body once it is known what the body consists of.
    pub(in super::super) fn new(body: Body) -> Self {
        let body = match body.into_blob() {
            Ok((prefix, blob)) => return Self::Blob(prefix, blob),
            Err(body) => body,
        };
        match body.into_composition() {
            Ok((prefix, composition)) => Self::Composition(prefix, composition),
            Err(body) => Self::Stream(Shared(Arc::new(Mutex::new(body)))),
        }
    }

    /// Whether it can be read from its first octet more than once.
    pub(super) fn is_by_reference(&self) -> bool {
        !matches!(self, Self::Stream(_))
    }

    /// A body with this content that reports to `progress`.
    pub(super) fn body(&self, progress: &Progress) -> Body {
        let body = match self {
            Self::Blob(prefix, blob) => Body::from_blob(prefix.iter().cloned(), blob.clone()),
            Self::Composition(prefix, composition) => {
                Body::from_composition(prefix.iter().cloned(), composition.clone())
            }
            Self::Stream(shared) => Body::from_stream(shared.clone()),
        };
        progress.begin(body.len());
        body.observe(progress.clone())
    }
}

/// A body that several places can read, one after the other.
#[derive(Clone)]
pub(in super::super) struct Shared(Arc<Mutex<Body>>);

impl Stream for Shared {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut body = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        body.poll_chunk(cx)
    }
}
