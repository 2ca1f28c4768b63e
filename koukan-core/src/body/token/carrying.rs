//! Bodies that are copies of a message.

use std::task::{Context, Poll, Waker};

use crate::{
    blob::Blob,
    body::{Body, Piece, Source},
    failure::Aborted,
};

use super::MessageToken;

impl Body {
    /// Says that the body is a copy of a message of which there are others.
    pub(crate) fn with_token(mut self, token: Option<MessageToken>) -> Self {
        self.token = token;
        self
    }

    /// Takes the token off, where the body is a copy of a message, unchanged but for what was
    /// prepended to it, and nothing of it was read.
    pub(crate) fn take_token(&mut self) -> Option<MessageToken> {
        let token = self.token.take()?;
        Some(match self.prefix.is_empty() {
            true => token,
            false => token.prepended(self.prefix.iter().cloned()),
        })
    }

    /// Another body of the same octets, of which no observer hears; none where the body is not a blob,
    /// or something of it was read.
    pub(crate) fn copy(&self) -> Option<Self> {
        let inner = match &self.source {
            Source::Blob(reader) if reader.position() == 0 => Self::from(reader.blob()),
            Source::Bytes(bytes) => Self::from(bytes.clone()),
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

    /// The blob of a body of which nothing was read, as long as that grows.
    pub(crate) fn growing(&self) -> Option<Blob> {
        match &self.source {
            Source::Blob(reader) if reader.position() == 0 => {
                Some(reader.blob()).filter(|blob| blob.len().is_none())
            }
            Source::Observed(observed) => observed.inner.growing(),
            _ => None,
        }
    }

    /// As [`Body::copy`], to be read in place of this one: its observers hear of it.
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

    /// Tells observers that others read the message, where it can be read by others.
    pub(crate) fn taken(self) -> Self {
        match self.into_blob() {
            Ok((prefix, blob)) => Self::from_blob(prefix, blob),
            Err(body) => match body.into_composition() {
                Ok((prefix, composition)) => Self::from_composition(prefix, composition),
                Err(body) => body,
            },
        }
    }

    /// Whether all of the body is there, as far as that can be told without waiting, and without
    /// asking for what is still to be found out.
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
