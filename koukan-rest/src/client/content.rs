//! What requests carry.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use koukan_core::body::{Body, BodyError};

/// The content of a request: octets that are there, or a body that comes.
pub(super) enum Content {
    Whole(Option<Bytes>),
    Upload { body: Body, watch: Watch },
}

/// Watches an upload from beside.
#[derive(Debug, Clone, Default)]
pub(super) struct Watch(Arc<Mutex<Option<BodyError>>>);

/// What is uploaded broke off.
#[derive(Debug, thiserror::Error)]
#[error("body broke off")]
pub(super) struct BrokenOff;

impl Watch {
    /// Why the body broke off, if it did.
    pub(super) fn error(&self) -> Option<BodyError> {
        let error = self.0.lock();
        error.unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl HttpBody for Content {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        match self.get_mut() {
            Self::Whole(octets) => Poll::Ready(octets.take().map(|octets| Ok(Frame::data(octets)))),
            Self::Upload { body, watch } => {
                let chunk = ready!(body.poll_chunk(cx));
                if matches!(chunk, Some(Ok(_))) && body.is_empty() {
                    // Where the length is known nobody asks for the end, which tells those who
                    // watch that it was reached.
                    let _ = body.poll_chunk(cx);
                }
                Poll::Ready(chunk.map(|chunk| match chunk {
                    Ok(octets) => Ok(Frame::data(octets)),
                    Err(error) => {
                        let place = watch.0.lock();
                        *place.unwrap_or_else(PoisonError::into_inner) = Some(error);
                        Err(BrokenOff)
                    }
                }))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(octets) => octets.as_ref().is_none_or(Bytes::is_empty),
            Self::Upload { .. } => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(octets) => {
                SizeHint::with_exact(octets.as_ref().map_or(0, Bytes::len) as u64)
            }
            Self::Upload { body, .. } => {
                body.len().map_or_else(SizeHint::new, SizeHint::with_exact)
            }
        }
    }
}
