//! Bodies that are one of several copies of a message.

use std::task::{Context, Poll, Waker};

use crate::{
    blob::Blob,
    body::{Body, Piece, Source},
    failure::Aborted,
};

use super::MessageToken;

impl Body {
    /// Marks the body as one of several copies of a message.
    pub(crate) fn with_token(mut self, token: Option<MessageToken>) -> Self {
        self.token = token;
        self
    }

    /// Takes the token off, if the body is a copy of a message, unread, and changed only by
    /// prepending.
    pub(crate) fn take_token(&mut self) -> Option<MessageToken> {
        let token = self.token.take()?;
        Some(match self.prefix.is_empty() {
            true => token,
            false => token.prepended(self.prefix.iter().cloned()),
        })
    }

    /// Another body of the same octets, without observers; `None` where the body is neither a blob nor a
    /// composition, or was partly read.
    pub(crate) fn copy(&self) -> Option<Self> {
        let inner = match &self.source {
            Source::Blob(reader) if reader.position() == 0 => Self::from(reader.blob()),
            Source::Bytes(bytes) => Self::from(bytes.clone()),
            Source::Composition(rendering) => rendering.composition().cloned().map(Self::from)?,
            Source::Observed(observed) => observed.inner.copy()?,
            _ => return None,
        };
        let mut prefix = self.prefix.clone();
        prefix.extend(inner.prefix);
        Some(Self {
            prefix,
            ..Self::new(inner.source)
        })
    }

    /// The blob of an unread body, while the blob still grows.
    pub(crate) fn growing(&self) -> Option<Blob> {
        match &self.source {
            Source::Blob(reader) if reader.position() == 0 => {
                Some(reader.blob()).filter(|blob| blob.len().is_none())
            }
            Source::Observed(observed) => observed.inner.growing(),
            _ => None,
        }
    }

    /// As [`Body::copy`], to be read instead of this one: its observers are told.
    pub(crate) fn again(&self) -> Option<Self> {
        let copy = self.copy()?;
        let Source::Observed(observed) = &self.source else {
            return Some(copy);
        };
        Some(match observed.observer.again() {
            Some(observer) => copy.observe_boxed(observer),
            None => copy,
        })
    }

    /// Tells the observers that others read the message, where others can read it.
    pub(crate) fn taken(self) -> Self {
        match self.into_blob() {
            Ok((prefix, blob)) => Self::from_blob(prefix, blob),
            Err(body) => match body.into_composition() {
                Ok((prefix, composition)) => Self::from_composition(prefix, composition),
                Err(body) => body,
            },
        }
    }

    /// Whether the whole body is there, as far as that can be told without waiting and without
    /// starting anything.
    pub(crate) fn is_all_there(&mut self) -> bool {
        match &mut self.source {
            Source::Pipe {
                receiver,
                is_started: is_started @ false,
            } => match receiver.poll_next(&Context::from_waker(Waker::noop())) {
                Poll::Ready(Some(Ok(Piece::Rest(rest)))) => {
                    self.take_over(rest);
                    self.is_all_there()
                }
                Poll::Ready(Some(Ok(Piece::Chunk(chunk)))) => {
                    *is_started = true;
                    self.prefix.push_back(chunk);
                    self.token = None;
                    false
                }
                Poll::Ready(Some(Err(Aborted))) => {
                    self.source = Source::Broken;
                    true
                }
                Poll::Ready(None) => {
                    self.source = Source::Done;
                    true
                }
                Poll::Pending => false,
            },
            Source::Observed(observed) => observed.inner.is_all_there(),
            _ => self.len().is_some(),
        }
    }
}
