//! Content that was not read when its request is answered.
//!
//! An HTTP/1 connection can have no further request before the content of the last one has ended.
//! If little of it is left, it is read and dropped. Otherwise the connection ends with the
//! response, and the response says so, so that no client sends another request in vain.
//!
//! *Source*: RFC 9112 sections 9.3 and 9.6.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    extract::Request,
    http::{
        HeaderValue, Version,
        header::{CONNECTION, EXPECT},
    },
    middleware::Next,
    response::Response,
};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::time::timeout;

use super::whole::Whole;

/// The most that is read and dropped, in octets and in time.
const LITTLE: u64 = 64 << 10;
const PATIENCE: Duration = Duration::from_secs(1);

/// Reads the rest of the content, or says in the response that the connection ends.
pub(super) async fn end_content(request: Request, next: Next) -> Response {
    if request.version() >= Version::HTTP_2 {
        return next.run(request.map(Whole::of)).await;
    }
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    // Such a client waits for leave to send its content, and gets it as soon as the content is read.
    let asks_leave = request.headers().contains_key(EXPECT);
    let left = Left::default();
    let request = request.map(|body| Body::new(Content::new(body, left.clone())));
    let mut response = next.run(request).await;
    let is_over = match left.take() {
        Unread::Nothing => true,
        Unread::Rest(rest) if !asks_leave => discard(rest).await,
        Unread::Rest(_) | Unread::Elsewhere => false,
    };
    if !is_over {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    response
}

/// Reads to the end of the content if that is near; returns whether it was.
async fn discard(mut rest: Body) -> bool {
    let mut room = LITTLE;
    if rest.size_hint().lower() > room {
        return false;
    }
    let read = async {
        while let Some(frame) = rest.frame().await {
            let Ok(frame) = frame else { return false };
            let len = frame.data_ref().map_or(0, Bytes::len);
            match room.checked_sub(len as u64) {
                Some(left) => room = left,
                None => return false,
            }
        }
        true
    };
    timeout(PATIENCE, read).await.unwrap_or(false)
}

/// The rest of the content, once its reader was dropped.
#[derive(Clone, Default)]
struct Left(Arc<Mutex<Unread>>);

#[derive(Default)]
enum Unread {
    /// Its reader still exists.
    #[default]
    Elsewhere,
    Nothing,
    Rest(Body),
}

impl Left {
    fn set(&self, unread: Unread) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = unread;
    }

    fn take(&self) -> Unread {
        let mut unread = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut unread)
    }
}

/// Content that is being read.
struct Content {
    /// `None` once all of it was read.
    body: Option<Body>,
    left: Left,
}

impl Content {
    fn new(body: Body, left: Left) -> Self {
        Self {
            body: Some(body),
            left,
        }
    }
}

impl HttpBody for Content {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let frame = ready!(Pin::new(&mut *body).poll_frame(cx));
        match &frame {
            // It is unknown where the content would have ended.
            Some(Err(_)) => self.body = None,
            Some(Ok(_)) if !body.is_end_stream() => {}
            Some(Ok(_)) | None => {
                self.body = None;
                self.left.set(Unread::Nothing);
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let nothing = || SizeHint::with_exact(0);
        self.body.as_ref().map_or_else(nothing, Body::size_hint)
    }
}

impl Drop for Content {
    fn drop(&mut self) {
        if let Some(rest) = self.body.take() {
            self.left.set(Unread::Rest(rest));
        }
    }
}
