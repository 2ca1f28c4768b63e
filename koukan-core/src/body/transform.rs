//! Transforms of a body, which return at once and work while the body is read.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;

use crate::{
    blob::{BlobError, BlobWriter, HeldOctets},
    causes::Causes,
    repeats::Repeats,
    reply::{Rejection, Reply},
};

use super::{Body, BodyError, Item, Source};

/// The interval between log lines about messages that could not be kept; between them messages are
/// counted.
const INTERVAL: Duration = Duration::from_secs(10);

static NOT_KEPT: Repeats = Repeats::new(INTERVAL, |messages, interval| {
    let seconds = interval.as_secs();
    tracing::error!(messages, seconds, "message bodies could still not be kept");
});

/// A change of a message while it passes: [`Body::transform`].
///
/// # Example
///
/// Appends a line with the number of octets before it:
///
/// ```
/// use bytes::Bytes;
/// use koukan_core::{body::{Body, Transform}, reply::Rejection};
///
/// struct Count(usize);
///
/// impl Transform for Count {
///     fn chunk(&mut self, chunk: Bytes) -> Result<Bytes, Rejection> {
///         self.0 += chunk.len();
///         Ok(chunk)
///     }
///
///     fn end(&mut self) -> Result<Bytes, Rejection> {
///         Ok(format!("{} octets\r\n", self.0).into())
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let body = Body::from(Bytes::from_static(b"\r\nhello\r\n")).transform(Count(0));
/// assert_eq!(body.collect(100).await?, "\r\nhello\r\n9 octets\r\n");
/// # Ok::<(), koukan_core::body::BodyError>(())
/// # }).unwrap();
/// ```
pub trait Transform: Send + 'static {
    /// Returns the octets that replace this chunk; chunks are cut anywhere. They may be empty: a transform
    /// that needs more octets together keeps them until more arrive.
    ///
    /// # Errors
    ///
    /// A rejection of the message.
    fn chunk(&mut self, chunk: Bytes) -> Result<Bytes, Rejection>;

    /// Returns octets to append to a message that ends cleanly. It is called once. By default
    /// nothing is appended.
    ///
    /// # Errors
    ///
    /// A rejection of the message.
    fn end(&mut self) -> Result<Bytes, Rejection> {
        Ok(Bytes::new())
    }
}

impl Body {
    /// Passes every chunk through `f`, which may reject the message. Chunks are cut anywhere. For octets at the end, or
    /// to notice the clean end, see [`Body::transform`].
    ///
    /// Empty chunks are left out.
    ///
    /// # Example
    ///
    /// Counts the octets of a message while it passes. `f` names the type of its error:
    ///
    /// ```
    /// use std::sync::{Arc, atomic::{AtomicUsize, Ordering::Relaxed}};
    ///
    /// use bytes::Bytes;
    /// use koukan_core::{body::Body, reply::Rejection};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let octets = Arc::new(AtomicUsize::new(0));
    /// let count = Arc::clone(&octets);
    /// let body = Body::from(Bytes::from_static(b"\r\nhello\r\n")).map(move |chunk| {
    ///     count.fetch_add(chunk.len(), Relaxed);
    ///     Ok::<_, Rejection>(chunk)
    /// });
    /// body.discard().await?;
    /// assert_eq!(octets.load(Relaxed), 9);
    /// # Ok::<(), koukan_core::body::BodyError>(())
    /// # }).unwrap();
    /// ```
    pub fn map<R: Into<Rejection>>(
        self,
        f: impl FnMut(Bytes) -> Result<Bytes, R> + Send + 'static,
    ) -> Self {
        Self::from_stream(Map { inner: self, f })
    }

    /// Passes the message through a transform, which may reject it or append to it.
    ///
    /// Empty chunks are left out.
    pub fn transform(self, transform: impl Transform) -> Self {
        Self::from_stream(Transformed {
            inner: self,
            transform: Some(transform),
        })
    }

    /// Continues with the body that `f` makes of this one. `f` is called when it is known what this
    /// body consists of ([`Body::ready`]): after the last RCPT, with the first octets.
    ///
    /// If `f` returns an unchanged blob, it can still be taken out after [`Body::ready`].
    pub fn then<F, Fut>(mut self, f: F) -> Self
    where
        F: FnOnce(Self) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Self, BodyError>> + Send + 'static,
    {
        Self::later(async move {
            self.ready().await?;
            f(self).await
        })
    }

    /// A body that is determined when it is first read.
    pub(crate) fn later(
        later: impl Future<Output = Result<Self, BodyError>> + Send + 'static,
    ) -> Self {
        Self::new(Source::Later(Box::pin(later)))
    }

    /// Holds the whole message in memory, up to `limit` octets, and continues with the body that
    /// `f` makes of it, or with a rejection. Nothing is passed upstream before that.
    ///
    /// A longer message is rejected with [`Reply::message_too_big`].
    pub fn then_whole<F, Fut>(self, limit: usize, f: F) -> Self
    where
        F: FnOnce(Bytes) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Body, Rejection>> + Send + 'static,
    {
        self.then_whole_held(limit, || None, f)
    }

    /// As [`Body::then_whole`]; the held octets are charged until the resulting body is dropped.
    pub(crate) fn then_whole_held<F, Fut>(
        self,
        limit: usize,
        held: impl FnOnce() -> Option<HeldOctets> + Send + 'static,
        f: F,
    ) -> Self
    where
        F: FnOnce(Bytes) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Body, Rejection>> + Send + 'static,
    {
        Self::later(async move {
            let mut held = held();
            let whole = self.collect_held(limit, held.as_mut()).await?;
            if let Some(held) = &mut held {
                held.end();
            }
            let body = f(whole).await?;
            Ok(match held {
                Some(held) => body.observe(held),
                None => body,
            })
        })
    }

    /// Reads the rest and throws it away, as an endpoint that ignores the message does.
    ///
    /// # Errors
    ///
    /// [`BodyError`] where the body does not end cleanly.
    pub async fn discard(mut self) -> Result<(), BodyError> {
        while self.next().await?.is_some() {}
        Ok(())
    }

    /// Copies the whole message into a blob.
    ///
    /// # Errors
    ///
    /// [`BodyError`]. Where the octets cannot be kept, it is a rejection with
    /// [`Reply::insufficient_storage`], and the blob is aborted.
    pub async fn copy_to(mut self, mut blob: BlobWriter) -> Result<(), BodyError> {
        while let Some(chunk) = self.next().await? {
            blob.append(chunk).await.map_err(|error| not_kept(&error))?;
        }
        blob.finish();
        Ok(())
    }

    /// Collects the whole message, up to `limit` octets.
    ///
    /// # Errors
    ///
    /// [`BodyError`]. A longer message is a rejection with [`Reply::message_too_big`].
    pub async fn collect(self, limit: usize) -> Result<Bytes, BodyError> {
        self.collect_held(limit, None).await
    }

    /// As [`Body::collect`]; each octet is charged to `held` before it is kept.
    ///
    /// # Errors
    ///
    /// Those of [`Body::collect`]. Where there is no room, it is a rejection with
    /// [`Reply::insufficient_storage`].
    pub async fn collect_charged(
        self,
        limit: usize,
        held: &mut HeldOctets,
    ) -> Result<Bytes, BodyError> {
        self.collect_held(limit, Some(held)).await
    }

    pub(crate) async fn collect_held(
        mut self,
        limit: usize,
        mut held: Option<&mut HeldOctets>,
    ) -> Result<Bytes, BodyError> {
        let Some(first) = self.next().await? else {
            return Ok(Bytes::new());
        };
        let mut whole = BytesMut::new();
        let mut last = first;
        loop {
            if whole.len() + last.len() > limit {
                return Err(Rejection::new(Reply::message_too_big()).into());
            }
            if let Some(held) = &mut held {
                let added = held.add(last.len() as u64);
                added.map_err(|error| not_kept(&error))?;
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

/// The rejection for a message whose octets cannot be kept.
pub(crate) fn not_kept(error: &BlobError) -> Rejection {
    if NOT_KEPT.is_first() {
        tracing::error!(error = %Causes(error), "could not keep a message body");
    }
    Rejection::new(Reply::insufficient_storage())
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

// === impl Transformed ===

struct Transformed<T> {
    inner: Body,
    /// `None` once its end was requested.
    transform: Option<T>,
}

impl<T> Unpin for Transformed<T> {}

impl<T: Transform> Stream for Transformed<T> {
    type Item = Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Item>> {
        let this = &mut *self;
        loop {
            let Some(transform) = &mut this.transform else {
                return Poll::Ready(None);
            };
            let changed = match ready!(this.inner.poll_chunk(cx)) {
                Some(Ok(chunk)) => transform.chunk(chunk),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    let end = transform.end();
                    this.transform = None;
                    end
                }
            };
            match changed {
                Ok(chunk) if chunk.is_empty() => {}
                Ok(chunk) => return Poll::Ready(Some(Ok(chunk))),
                Err(rejection) => return Poll::Ready(Some(Err(rejection.into()))),
            }
        }
    }
}
