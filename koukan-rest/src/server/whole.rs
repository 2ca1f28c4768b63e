//! Content that ends only where its client has ended it.
//!
//! A client that gives up a request of HTTP/2 resets its stream. If it names no error, hyper reports
//! the end of the content: *servers* may reset a stream in that way once they have answered. What a
//! client has broken off like this must not be taken for a whole message.
//!
//! *Source*: RFC 9113 section 8.1.

use std::{
    io::{Error, ErrorKind},
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::body::{Body, Bytes};
use http_body::{Body as HttpBody, Frame, SizeHint};

/// The content of a request of HTTP/2: it ends with an error if the stream was reset before its end.
pub(super) struct Whole(Body);

impl Whole {
    /// Content that is there already stays as it is.
    pub(super) fn of(body: Body) -> Body {
        if body.is_end_stream() {
            return body;
        }
        Body::new(Self(body))
    }
}

impl HttpBody for Whole {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.0).poll_frame(cx));
        if frame.is_none() && !self.0.is_end_stream() {
            let cut = Error::new(ErrorKind::UnexpectedEof, "the stream was reset");
            return Poll::Ready(Some(Err(axum::Error::new(cut))));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}
