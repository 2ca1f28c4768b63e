//! Transforms of a body that return at once and work as it is pulled.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use futures_core::{Stream, future::BoxFuture};

use crate::reply::{Rejection, Reply};

use super::{Body, BodyError, Item};

impl Body {
    /// Passes every chunk through `f`, which may reject the message.
    ///
    /// Empty chunks are left out.
    pub fn map<R: Into<Rejection>>(
        self,
        f: impl FnMut(Bytes) -> Result<Bytes, R> + Send + 'static,
    ) -> Self {
        Self::from_stream(Map { inner: self, f })
    }

    /// Holds the whole message in memory, up to `limit` octets, and goes on with the body that `f`
    /// makes of it, unless it rejects it. Nothing passes upstream before.
    ///
    /// A longer message is rejected with [`Reply::message_too_big`].
    pub fn then_whole<F, Fut>(self, limit: usize, f: F) -> Self
    where
        F: FnOnce(Bytes) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Body, Rejection>> + Send + 'static,
    {
        Self::from_stream(Later::Waiting(Box::pin(async move {
            let whole = self.collect(limit).await?;
            Ok(f(whole).await?)
        })))
    }

    /// Collects the whole message, up to `limit` octets.
    ///
    /// # Errors
    ///
    /// [`BodyError`]; a longer message is a rejection with [`Reply::message_too_big`].
    pub async fn collect(mut self, limit: usize) -> Result<Bytes, BodyError> {
        let Some(first) = self.next().await? else {
            return Ok(Bytes::new());
        };
        let mut whole = BytesMut::new();
        let mut last = first;
        loop {
            if whole.len() + last.len() > limit {
                return Err(Rejection::new(Reply::message_too_big()).into());
            }
            match self.next().await? {
                None if whole.is_empty() => return Ok(last),
                next => {
                    whole.extend_from_slice(&last);
                    let Some(next) = next else {
                        return Ok(whole.freeze());
                    };
                    last = next;
                }
            }
        }
    }
}

// === impl Map ===

struct Map<F> {
    inner: Body,
    f: F,
}

impl<F> Unpin for Map<F> {}

impl<F: FnMut(Bytes) -> Result<Bytes, R>, R: Into<Rejection>> Stream for Map<F> {
    type Item = Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Item>> {
        let this = &mut *self;
        loop {
            let chunk = match ready!(this.inner.poll_chunk(cx)) {
                Some(Ok(chunk)) => chunk,
                end => return Poll::Ready(end),
            };
            match (this.f)(chunk) {
                Ok(chunk) if chunk.is_empty() => {}
                Ok(chunk) => return Poll::Ready(Some(Ok(chunk))),
                Err(rejection) => return Poll::Ready(Some(Err(rejection.into().into()))),
            }
        }
    }
}

// === impl Later ===

/// A body that is not known yet.
enum Later {
    Waiting(BoxFuture<'static, Result<Body, BodyError>>),
    Known(Body),
}

impl Stream for Later {
    type Item = Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Item>> {
        loop {
            match &mut *self {
                Self::Known(body) => return body.poll_chunk(cx),
                Self::Waiting(waiting) => match ready!(waiting.as_mut().poll(cx)) {
                    Ok(body) => *self = Self::Known(body),
                    Err(error) => {
                        *self = Self::Known(Body::empty());
                        return Poll::Ready(Some(Err(error)));
                    }
                },
            }
        }
    }
}
