//! Responses that are being sent.
//!
//! A client decides how fast it reads. Until then its response is in memory: in HTTP/1 one for each
//! connection, in HTTP/2 one for each stream, and lists can be large. So a response counts as a request
//! under way until it was sent, and its octets are charged to the client's share.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    body::{Body, Bytes},
    http::{Method, Version},
    response::Response,
};
use http_body::{Body as HttpBody, Frame, SizeHint};
use koukan_core::shares::{Charge, Client, Shares};

use super::problem::Problem;

/// Octets that need no charge in HTTP/1: a connection takes more by itself.
const LITTLE: u64 = 4 << 10;

/// What a response takes until it was sent.
pub(super) struct Room {
    /// Its place among the requests under way.
    pub(super) slot: Charge<Client>,
    pub(super) answers: Shares<Client>,
    pub(super) client: Client,
}

impl Room {
    /// Whether the client may have any response: nothing is begun for one that reads none.
    pub(super) fn is_free(&self) -> bool {
        self.answers.charge(&self.client, 1).is_some()
    }

    /// Charges the response until it was sent.
    ///
    /// # Errors
    ///
    /// 503 if there is no room for it. Only what changes nothing is refused: the outcome of anything else
    /// must be told.
    pub(super) fn hold(
        self,
        response: Response,
        (method, version): (&Method, Version),
    ) -> Result<Response, Problem> {
        let len = response.body().size_hint().exact();
        match len {
            Some(0) => return Ok(response),
            Some(len) if len <= LITTLE && version < Version::HTTP_2 => return Ok(response),
            _ => {}
        }
        let charge = len.map(|len| self.answers.charge(&self.client, len));
        if charge.as_ref().is_some_and(Option::is_none) && method.is_safe() {
            return Err(Problem::overloaded());
        }
        let held = Held {
            _slot: self.slot,
            _octets: charge.flatten(),
        };
        let held = Arc::new(held);
        Ok(response.map(|body| Body::new(Sending { body, held })))
    }
}

struct Held {
    _slot: Charge<Client>,
    _octets: Option<Charge<Client>>,
}

/// Content that is charged.
struct Sending {
    body: Body,
    held: Arc<Held>,
}

/// A piece of it: hyper keeps pieces after the content has ended.
struct Piece {
    octets: Bytes,
    _held: Arc<Held>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.octets
    }
}

impl HttpBody for Sending {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let frame = Pin::new(&mut this.body).poll_frame(cx);
        let piece = |octets| {
            Bytes::from_owner(Piece {
                octets,
                _held: Arc::clone(&this.held),
            })
        };
        frame.map_ok(|frame| frame.map_data(piece))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
