//! Content on its way between replicas, with limits on silence.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::{Body, Bytes};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep};
use tower::BoxError;

use super::under_way::Slot;

/// When the last octets of a request arrived.
#[derive(Clone)]
pub(super) struct Activity {
    idle: Duration,
    seen: Arc<Mutex<Seen>>,
}

struct Seen {
    last: Instant,
    has_ended: bool,
    has_failed: bool,
}

/// The content of a request; notes when octets arrive.
pub(super) struct Counted {
    inner: Body,
    activity: Activity,
}

/// The content of a response. It ends with an error if no octets arrive for too long.
pub(super) struct Quiet {
    inner: Body,
    idle: Duration,
    sleep: Pin<Box<Sleep>>,
    _slot: Slot,
}

/// No octets have arrived for too long.
#[derive(Debug, thiserror::Error)]
#[error("the answer of another replica stalled")]
struct Stalled;

impl Activity {
    /// Watches content that may pause for at most `idle`.
    pub(super) fn new(idle: Duration) -> Self {
        let seen = Seen {
            last: Instant::now(),
            has_ended: false,
            has_failed: false,
        };
        Self {
            idle,
            seen: Arc::new(Mutex::new(seen)),
        }
    }

    /// When the response has to be there, if it may take `patience` after the content.
    pub(super) fn due(&self, patience: Duration) -> Instant {
        let seen = self.lock();
        match seen.has_ended {
            true => seen.last + patience,
            false => seen.last + self.idle + patience,
        }
    }

    /// Whether the content was broken off, or broke the protocol.
    pub(super) fn has_failed(&self) -> bool {
        self.lock().has_failed
    }

    fn note(&self, has_ended: bool) {
        let mut seen = self.lock();
        seen.last = Instant::now();
        seen.has_ended |= has_ended;
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counted {
    pub(super) fn new(inner: Body, activity: Activity) -> Self {
        activity.note(inner.is_end_stream());
        Self { inner, activity }
    }
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        if let Some(Err(_)) = &frame {
            self.activity.lock().has_failed = true;
        }
        self.activity
            .note(frame.is_none() || self.inner.is_end_stream());
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Quiet {
    /// Content that may pause for at most `idle`; releases the slot at the end.
    pub(super) fn new(inner: Body, idle: Duration, slot: Slot) -> Self {
        Self {
            inner,
            idle,
            sleep: Box::pin(sleep(idle)),
            _slot: slot,
        }
    }
}

impl HttpBody for Quiet {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(cx) else {
            ready!(this.sleep.as_mut().poll(cx));
            return Poll::Ready(Some(Err(Stalled.into())));
        };
        this.sleep.as_mut().reset(Instant::now() + this.idle);
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
