//! The message of a transaction as a stream of octets: [`Body`].

mod composed;
mod header;
mod observe;
mod token;
mod transform;

pub use crate::failure::BodyError;

pub use self::{
    header::HEADER_MAX,
    token::{Held, Holdings},
    transform::Transform,
};
pub(crate) use self::{
    observe::Observer,
    token::{Copies, MessageToken},
    transform::not_kept,
};

use std::{
    collections::VecDeque,
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_core::{Stream, future::BoxFuture};

use crate::{
    blob::{Blob, BlobReader},
    failure::Aborted,
    message::builder::Rendering,
    pipe::Receiver,
};

use self::observe::Observed;

/// The RFC 5322 message of a transaction, as sent after DATA.
///
/// *Shape*: CRLF line ends, not dot-stuffed, without the final dot; chunks of any length, cut
/// anywhere. It ends cleanly (`None`) only if its originator says so. A consumer that gets an error
/// must abandon the delivery before the final dot. Every later call returns an error again.
///
/// A body may be an unchanged [`Blob`] with prepended octets. [`Body::into_blob`] recognises that, so
/// that the blob can be passed on by reference. [`Body::into_composition`] recognises a body that is
/// not rendered yet.
///
/// # Example
///
/// ```
/// use bytes::Bytes;
/// use koukan_core::body::Body;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let mut body = Body::from(Bytes::from_static(b"\r\nhello\r\n"));
/// body.prepend(Bytes::from_static(b"Subject: hi\r\n"));
/// assert_eq!(body.len(), Some(22));
/// assert_eq!(body.next().await?.unwrap(), "Subject: hi\r\n");
/// # Ok::<(), koukan_core::body::BodyError>(())
/// # }).unwrap();
/// ```
pub struct Body {
    prefix: VecDeque<Bytes>,
    source: Source,
    /// The token, where this is one of several copies of a message.
    token: Option<MessageToken>,
}

enum Source {
    Done,
    /// An error was returned: what follows is never a clean end.
    Broken,
    Bytes(Bytes),
    Pipe {
        receiver: Receiver<Piece>,
        /// Whether a chunk has come. From then on it is known what the body consists of.
        is_started: bool,
    },
    Blob(BlobReader),
    Composition(Rendering),
    /// It is still being determined what the body consists of.
    Later(BoxFuture<'static, Result<Body, BodyError>>),
    Observed(Box<Observed>),
    Boxed(Pin<Box<dyn Stream<Item = Item> + Send>>),
}

/// What a driver sends into its transaction's body.
pub(crate) enum Piece {
    Chunk(Bytes),
    /// Everything that is left.
    Rest(Body),
}

type Item = Result<Bytes, BodyError>;

impl Body {
    /// A body without octets.
    pub fn empty() -> Self {
        Self::new(Source::Done)
    }

    /// Makes a body of any stream of bytes.
    pub fn from_stream(stream: impl Stream<Item = Item> + Send + 'static) -> Self {
        Self::new(Source::Boxed(Box::pin(stream)))
    }

    pub(crate) fn from_pipe(receiver: Receiver<Piece>) -> Self {
        Self::new(Source::Pipe {
            receiver,
            is_started: false,
        })
    }

    fn new(source: Source) -> Self {
        Self {
            prefix: VecDeque::new(),
            source,
            token: None,
        }
    }

    /// Puts octets before all others. This is how header fields are added.
    pub fn prepend(&mut self, octets: Bytes) {
        if !octets.is_empty() {
            self.prefix.push_front(octets);
        }
    }

    /// Returns the next octets, `None` at the end.
    ///
    /// # Errors
    ///
    /// [`BodyError`]; the delivery must be abandoned before the final dot.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Result<Option<Bytes>, BodyError> {
        poll_fn(|cx| self.poll_chunk(cx)).await.transpose()
    }

    /// As [`Body::next`], to be polled.
    pub fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Item>> {
        let item = self.poll_item(cx);
        // The rest is not the whole message.
        if self.token.is_some() && item.is_ready() {
            self.token = None;
        }
        item
    }

    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Item>> {
        loop {
            if let Some(octets) = self.prefix.pop_front() {
                return Poll::Ready(Some(Ok(octets)));
            }
            let chunk = match &mut self.source {
                Source::Done => None,
                Source::Broken => Some(Err(Aborted.into())),
                Source::Bytes(bytes) => {
                    let bytes = std::mem::take(bytes);
                    self.source = Source::Done;
                    (!bytes.is_empty()).then_some(Ok(bytes))
                }
                Source::Pipe {
                    receiver,
                    is_started,
                } => match ready!(receiver.poll_next(cx)) {
                    Some(Ok(Piece::Chunk(chunk))) => {
                        *is_started = true;
                        Some(Ok(chunk))
                    }
                    Some(Ok(Piece::Rest(rest))) => {
                        self.take_over(rest);
                        continue;
                    }
                    Some(Err(Aborted)) => Some(Err(Aborted.into())),
                    None => None,
                },
                Source::Blob(reader) => ready!(reader.poll_chunk(cx)),
                Source::Composition(rendering) => ready!(rendering.poll_chunk(cx)),
                Source::Later(later) => match ready!(later.as_mut().poll(cx)) {
                    Ok(body) => {
                        self.take_over(body);
                        continue;
                    }
                    Err(error) => Some(Err(error)),
                },
                Source::Observed(observed) => {
                    observed.observer.asked();
                    let chunk = ready!(observed.inner.poll_chunk(cx));
                    match &chunk {
                        Some(Ok(chunk)) => observed.observer.passed(chunk),
                        Some(Err(error)) => observed.observer.failed(error),
                        None => observed.observer.ended(),
                    }
                    chunk
                }
                Source::Boxed(stream) => ready!(stream.as_mut().poll_next(cx)),
            };
            match &chunk {
                Some(Ok(_)) => {}
                Some(Err(_)) => self.source = Source::Broken,
                None => self.source = Source::Done,
            }
            return Poll::Ready(chunk);
        }
    }

    /// Continues with `rest` after the prepended octets.
    fn take_over(&mut self, rest: Body) {
        // The prepended octets can no longer be told from the message.
        self.token = None;
        if self.prefix.is_empty() {
            self.prefix = rest.prefix;
        } else {
            self.prefix.extend(rest.prefix);
        }
        self.source = rest.source;
    }

    /// Waits until it is known what the body consists of: until its first octets, or its whole
    /// content, are there.
    ///
    /// Afterwards [`Body::len`] and [`Body::into_blob`] give their final answers.
    ///
    /// # Errors
    ///
    /// [`BodyError`], as for [`Body::next`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn ready(&mut self) -> Result<(), BodyError> {
        poll_fn(|cx| self.poll_body_ready(cx)).await
    }

    /// As [`Body::ready`], to be polled.
    pub fn poll_body_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BodyError>> {
        loop {
            let error = match &mut self.source {
                Source::Broken => Aborted.into(),
                Source::Pipe {
                    receiver,
                    is_started: is_started @ false,
                } => match ready!(receiver.poll_next(cx)) {
                    Some(Ok(Piece::Chunk(chunk))) => {
                        *is_started = true;
                        self.prefix.push_back(chunk);
                        self.token = None;
                        continue;
                    }
                    Some(Ok(Piece::Rest(rest))) => {
                        self.take_over(rest);
                        continue;
                    }
                    Some(Err(Aborted)) => Aborted.into(),
                    None => {
                        self.source = Source::Done;
                        continue;
                    }
                },
                Source::Later(later) => match ready!(later.as_mut().poll(cx)) {
                    Ok(body) => {
                        self.take_over(body);
                        continue;
                    }
                    Err(error) => error,
                },
                Source::Observed(observed) => {
                    observed.observer.asked();
                    match ready!(observed.inner.poll_body_ready(cx)) {
                        Ok(()) => return Poll::Ready(Ok(())),
                        Err(error) => error,
                    }
                }
                _ => return Poll::Ready(Ok(())),
            };
            self.source = Source::Broken;
            return Poll::Ready(Err(error));
        }
    }

    /// Whether asking for the next octets starts nothing that takes time, such as a read from
    /// storage.
    pub(crate) fn is_at_hand(&self) -> bool {
        if !self.prefix.is_empty() {
            return true;
        }
        match &self.source {
            Source::Blob(reader) => reader.is_at_hand(),
            Source::Observed(observed) => observed.inner.is_at_hand(),
            Source::Later(_) => false,
            _ => true,
        }
    }

    /// The number of octets that are left, where it is known.
    pub fn len(&self) -> Option<u64> {
        let rest = match &self.source {
            Source::Done => 0,
            Source::Bytes(bytes) => bytes.len() as u64,
            Source::Blob(reader) => reader.blob().len()? - reader.position(),
            Source::Observed(observed) => observed.inner.len()?,
            Source::Broken
            | Source::Pipe { .. }
            | Source::Composition(_)
            | Source::Later(_)
            | Source::Boxed(_) => return None,
        };
        let prefix: usize = self.prefix.iter().map(Bytes::len).sum();
        Some(prefix as u64 + rest)
    }

    /// Whether it is known that no octets are left.
    pub fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }

    /// Takes the blob out of an unchanged, unread body, with the octets that were prepended to it.
    ///
    /// # Errors
    ///
    /// Returns the body itself where it is anything else.
    pub fn into_blob(self) -> Result<(Vec<Bytes>, Blob), Self> {
        let Self {
            prefix,
            source,
            token,
        } = self;
        match source {
            Source::Blob(reader) if reader.position() == 0 => Ok((prefix.into(), reader.blob())),
            Source::Bytes(bytes) => Ok((prefix.into(), Blob::from_bytes(bytes))),
            Source::Observed(observed) => match observed.into_blob() {
                Ok((inner, blob)) => Ok((prefix.into_iter().chain(inner).collect(), blob)),
                Err(observed) => Err(Self {
                    prefix,
                    source: Source::Observed(Box::new(observed)),
                    token,
                }),
            },
            source => Err(Self {
                prefix,
                source,
                token,
            }),
        }
    }

    /// A body of octets with a blob after them: the reverse of [`Body::into_blob`].
    pub fn from_blob(prefix: impl IntoIterator<Item = Bytes>, blob: Blob) -> Self {
        let prefix = prefix.into_iter().filter(|octets| !octets.is_empty());
        Self {
            prefix: prefix.collect(),
            ..Self::from(blob)
        }
    }
}

impl From<Blob> for Body {
    fn from(blob: Blob) -> Self {
        Self::new(Source::Blob(blob.reader()))
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::new(Source::Bytes(bytes))
    }
}

impl Stream for Body {
    type Item = Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Item>> {
        self.poll_chunk(cx)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = match &self.source {
            Source::Done => "done",
            Source::Bytes(_) => "bytes",
            Source::Broken => "broken",
            Source::Pipe { .. } => "pipe",
            Source::Later(_) => "later",
            Source::Observed(observed) => return observed.inner.fmt(f),
            Source::Blob(_) => "blob",
            Source::Composition(_) => "composition",
            Source::Boxed(_) => "stream",
        };
        write!(f, "Body({source})")
    }
}
