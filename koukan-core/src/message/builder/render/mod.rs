//! From a composition to octets.

mod encoded_word;
mod field;
mod header;
mod parameter;
mod structure;
mod structured;
mod text;
pub(super) mod verbatim;

use std::{
    collections::VecDeque,
    fmt,
    task::{Context, Poll, ready},
};

use bytes::Bytes;

use crate::{
    blob::BlobReader,
    failure::BodyError,
    message::base64_lines::Base64Lines,
    reply::{Rejection, Reply},
};

pub(in super::super) use self::header::{mailbox_field, text_field};

use self::{
    text::{TextBlob, encoding_field},
    verbatim::Verbatim,
};

use super::Composition;

/// A composition that is rendered as it is read.
pub(crate) enum Rendering {
    /// Nothing was read yet.
    Unread(Box<Composition>),
    /// The remaining segments.
    Begun(VecDeque<Segment>),
}

/// A stretch of the rendered message.
pub(crate) enum Segment {
    /// Octets in memory.
    Octets(Bytes),
    /// A blob in base64.
    Base64(BlobReader, Base64Lines),
    /// A blob of text, with the field that names its encoding.
    Text(BlobReader, TextBlob),
    /// A blob, unencoded.
    Verbatim(BlobReader, Verbatim),
}

impl Rendering {
    pub(crate) fn new(composition: Composition) -> Self {
        Self::Unread(Box::new(composition))
    }

    pub(crate) fn is_unread(&self) -> bool {
        matches!(self, Self::Unread(_))
    }

    /// The composition, if nothing was read yet.
    pub(crate) fn composition(&self) -> Option<&Composition> {
        match self {
            Self::Unread(composition) => Some(composition),
            Self::Begun(_) => None,
        }
    }

    /// The composition itself, if nothing was read yet.
    pub(crate) fn into_composition(self) -> Result<Composition, Self> {
        match self {
            Self::Unread(composition) => Ok(*composition),
            begun @ Self::Begun(_) => Err(begun),
        }
    }

    /// The next octets.
    pub(crate) fn poll_chunk(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, BodyError>>> {
        let segments = match self {
            Self::Begun(segments) => segments,
            Self::Unread(composition) => {
                let segments = structure::segments(composition);
                *self = Self::Begun(segments);
                return self.poll_chunk(cx);
            }
        };
        while let Some(segment) = segments.front_mut() {
            let chunk = ready!(segment.poll_chunk(cx));
            if chunk.is_some() {
                return Poll::Ready(chunk);
            }
            segments.pop_front();
        }
        Poll::Ready(None)
    }
}

impl Segment {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        loop {
            let chunk = match self {
                Self::Octets(octets) => std::mem::take(octets),
                Self::Base64(blob, lines) => {
                    if let Some(chunk) = lines.next_lines() {
                        return Poll::Ready(Some(Ok(chunk)));
                    }
                    match ready!(blob.poll_chunk(cx)) {
                        Some(Ok(chunk)) => {
                            lines.push(chunk);
                            continue;
                        }
                        Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                        None => lines.finish(),
                    }
                }
                Self::Text(blob, text) => match ready!(blob.poll_chunk(cx)) {
                    Some(Ok(chunk)) => {
                        if !text.take(&chunk) {
                            let field = self.go_on_in_base64();
                            return Poll::Ready(Some(Ok(field)));
                        }
                        continue;
                    }
                    Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                    None => self.end_text(),
                },
                Self::Verbatim(blob, verbatim) => match ready!(blob.poll_chunk(cx)) {
                    Some(Ok(chunk)) => match verbatim.pass(chunk) {
                        Ok(chunk) if chunk.is_empty() => continue,
                        Ok(chunk) => chunk,
                        Err(reason) => return Poll::Ready(Some(Err(refusal(reason)))),
                    },
                    Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                    None => match verbatim.finish() {
                        Ok(chunk) => chunk,
                        Err(reason) => return Poll::Ready(Some(Err(refusal(reason)))),
                    },
                },
            };
            return Poll::Ready((!chunk.is_empty()).then_some(Ok(chunk)));
        }
    }

    /// Continues a text that is not small in base64. Returns the field that names the encoding.
    fn go_on_in_base64(&mut self) -> Bytes {
        match std::mem::replace(self, Self::Octets(Bytes::new())) {
            Self::Text(blob, text) => {
                let mut lines = Base64Lines::default();
                lines.push(text.into_octets());
                *self = Self::Base64(blob, lines);
                encoding_field("base64").freeze()
            }
            other => {
                *self = other;
                Bytes::new()
            }
        }
    }

    /// The whole of a small text; nothing follows it.
    fn end_text(&mut self) -> Bytes {
        match std::mem::replace(self, Self::Octets(Bytes::new())) {
            Self::Text(_, text) => text.finish(),
            _ => Bytes::new(),
        }
    }
}

fn refusal(reason: &str) -> BodyError {
    let text = format!("attached message {reason}");
    Rejection::new(Reply::bad_content().with_text(text)).into()
}

impl fmt::Debug for Rendering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unread(composition) => composition.fmt(f),
            Self::Begun(segments) => write!(f, "Rendering({} segments left)", segments.len()),
        }
    }
}
