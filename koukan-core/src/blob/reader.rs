//! A reader of a blob.

use std::{
    fmt,
    future::poll_fn,
    io,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_core::future::BoxFuture;

use crate::{
    failure::{Aborted, BodyError},
    sync::atomic::Ordering,
};

use super::{
    Blob,
    state::{End, Shared},
};

/// Reads a blob from the start, following its writer.
pub struct BlobReader {
    shared: Arc<Shared>,
    position: u64,
    /// Whether the octets that this reader has seen can no longer be withdrawn by the writer.
    is_counted: bool,
    read: Option<BoxFuture<'static, io::Result<Bytes>>>,
}

impl BlobReader {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            position: 0,
            is_counted: true,
            read: None,
        }
    }

    /// A reader for the writer's own use, from `position`, which must not be beyond the end.
    pub(super) fn of_writer(shared: Arc<Shared>, position: u64) -> Self {
        Self {
            position,
            is_counted: false,
            ..Self::new(shared)
        }
    }

    /// The blob that it reads.
    pub fn blob(&self) -> Blob {
        Blob(Arc::clone(&self.shared))
    }

    /// The number of octets read so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Returns the next octets; `None` at the end of a finished blob.
    ///
    /// # Errors
    ///
    /// [`BodyError::Aborted`] when the writer was dropped before the end, [`BodyError::Failed`]
    /// when the octets cannot be read back.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Result<Option<Bytes>, BodyError> {
        poll_fn(|cx| self.poll_chunk(cx)).await.transpose()
    }

    /// As [`BlobReader::next`], to be polled.
    pub fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        loop {
            if let Some(read) = &mut self.read {
                let chunk = ready!(read.as_mut().poll(cx));
                self.read = None;
                return Poll::Ready(Some(self.advance(chunk)));
            }
            let mut state = self.shared.lock();
            if let Some(chunk) = state.chunk_at(self.position) {
                if self.is_counted {
                    state.note_read(self.position + chunk.len() as u64);
                }
                drop(state);
                return Poll::Ready(Some(self.advance(Ok(chunk))));
            }
            if self.position < state.tail_start {
                let backing = state
                    .backing
                    .clone()
                    .expect("octets before the tail have a backing");
                let position = self.position;
                drop(state);
                self.read = Some(Box::pin(async move { backing.read(position).await }));
                continue;
            }
            return match state.end {
                End::Finished => Poll::Ready(None),
                End::Aborted => Poll::Ready(Some(Err(Aborted.into()))),
                End::Growing => {
                    state.waiters.add(cx.waker());
                    Poll::Pending
                }
            };
        }
    }

    /// Whether the next octets are in memory or not written yet. In both cases asking for them
    /// starts no read.
    pub(crate) fn is_at_hand(&self) -> bool {
        self.read.is_none() && self.position >= self.shared.lock().tail_start
    }

    fn advance(&mut self, chunk: io::Result<Bytes>) -> Result<Bytes, BodyError> {
        let is_empty = |chunk: &Bytes| chunk.is_empty();
        let chunk = match chunk {
            Ok(chunk) if is_empty(&chunk) => Err(io::ErrorKind::UnexpectedEof.into()),
            chunk => chunk,
        };
        let chunk = chunk.map_err(|error: io::Error| {
            self.shared.read_failures.fetch_add(1, Ordering::Relaxed);
            BodyError::Failed(error.into())
        })?;
        self.position += chunk.len() as u64;
        Ok(chunk)
    }
}

impl fmt::Debug for BlobReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlobReader({} at {})", self.shared.id, self.position)
    }
}
