//! A message as a scanner is shown it: [`Question`].

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_core::Stream;
use koukan_core::body::{Body, BodyError};

use crate::{Envelope, ScanError};

/// A message that a scanner is to look at.
#[derive(Debug)]
pub struct Question<'a> {
    /// The octets.
    pub message: Message,
    /// Their number.
    pub size: u64,
    /// Who sends it, and to whom.
    pub envelope: &'a Envelope,
}

/// The octets of a message: lines end with CRLF, and nothing is dot-stuffed.
#[derive(Debug)]
pub struct Message {
    body: Body,
    broken: Broken,
}

/// Remembers why the message could not be read. The HTTP client that reads it for a scanner cannot
/// report that.
#[derive(Debug, Clone, Default)]
pub(crate) struct Broken(Arc<Mutex<Option<BodyError>>>);

impl Broken {
    /// Whether an error was noted.
    pub(crate) fn is_noted(&self) -> bool {
        let broken = self.0.lock();
        broken.unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Takes out the error that was noted.
    pub(crate) fn take(&self) -> Option<BodyError> {
        let mut broken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        broken.take()
    }
}

impl Message {
    /// A message that notes a read error in `broken`.
    pub(crate) fn new(body: Body, broken: Broken) -> Self {
        Self { body, broken }
    }

    /// The next octets, `None` at the end.
    ///
    /// # Errors
    ///
    /// [`ScanError::Unread`].
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when it is dropped before it ends.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ScanError> {
        let item = std::future::poll_fn(|cx| self.poll_octets(cx)).await;
        item.transpose()
    }

    fn poll_octets(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, ScanError>>> {
        let item = ready!(self.body.poll_chunk(cx));
        Poll::Ready(item.map(|chunk| {
            chunk.map_err(|error| {
                let broken = self.broken.0.lock();
                *broken.unwrap_or_else(PoisonError::into_inner) = Some(error);
                ScanError::Unread
            })
        }))
    }
}

impl Stream for Message {
    type Item = Result<Bytes, ScanError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_octets(cx)
    }
}
