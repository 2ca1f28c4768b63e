//! The content of an upload as a stream.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::{Body as HttpBody, BodyDataStream, Bytes};
use futures_core::Stream;
use koukan_core::{
    body::{Body, BodyError},
    causes::Causes,
    reply::{Rejection, Reply},
    transaction::Aborted,
};
use tokio::time::{Instant, Sleep, sleep};

/// The content of an HTTP request, passed on chunk by chunk.
///
/// It ends without an error only if the HTTP message does. If the client disconnects or stalls, it
/// ends with [`BodyError::Aborted`]; content that is longer than allowed is rejected.
pub(super) struct UploadContent {
    inner: BodyDataStream,
    /// Octets that may still arrive.
    room: u64,
    stall: Stall,
}

/// Measures how long the client sends nothing. It only runs while somebody wants to read: slow
/// storage is not the client's fault.
struct Stall {
    timeout: Duration,
    sleep: Pin<Box<Sleep>>,
    is_waiting: bool,
    has_elapsed: Arc<AtomicBool>,
}

/// Tells whether an upload ended because the client stalled.
#[derive(Debug, Clone)]
pub(super) struct Stalled(Arc<AtomicBool>);

impl UploadContent {
    /// The octets of `body`: at most `max`, with pauses of at most `timeout`.
    pub(super) fn stream(body: HttpBody, max: u64, timeout: Duration) -> (Body, Stalled) {
        let has_elapsed = Arc::new(AtomicBool::new(false));
        let content = Self {
            inner: body.into_data_stream(),
            room: max,
            stall: Stall {
                timeout,
                sleep: Box::pin(sleep(timeout)),
                is_waiting: false,
                has_elapsed: Arc::clone(&has_elapsed),
            },
        };
        (Body::from_stream(content), Stalled(has_elapsed))
    }
}

impl Stream for UploadContent {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let Poll::Ready(chunk) = Pin::new(&mut this.inner).poll_next(cx) else {
            ready!(this.stall.poll(cx));
            tracing::debug!("an upload stalled");
            return Poll::Ready(Some(Err(Aborted.into())));
        };
        this.stall.is_waiting = false;
        let chunk = match chunk {
            Some(Ok(chunk)) => chunk,
            Some(Err(error)) => {
                tracing::debug!(error = %Causes(&error), "an upload ended with an error");
                return Poll::Ready(Some(Err(Aborted.into())));
            }
            None => return Poll::Ready(None),
        };
        match this.room.checked_sub(chunk.len() as u64) {
            Some(room) => {
                this.room = room;
                Poll::Ready(Some(Ok(chunk)))
            }
            None => {
                let rejection = Rejection::new(Reply::message_too_big());
                Poll::Ready(Some(Err(rejection.into())))
            }
        }
    }
}

impl Stall {
    /// Ready when the client has been silent for too long.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.is_waiting {
            self.is_waiting = true;
            self.sleep.as_mut().reset(Instant::now() + self.timeout);
        }
        ready!(self.sleep.as_mut().poll(cx));
        self.has_elapsed.store(true, Ordering::Relaxed);
        Poll::Ready(())
    }
}

impl Stalled {
    pub(super) fn is_stalled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
