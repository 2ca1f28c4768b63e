//! The message, with the part that was read before it could be sent.

use std::{
    collections::VecDeque,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use koukan_core::{
    body::{Body, BodyError},
    signals::Departure,
};

use crate::codec::{Foreknowledge, HeaderScan, Unsendable};

use super::{Failure, conversion::Conversion};

/// The message: first the part that was gathered, then the rest.
#[derive(Debug)]
pub(super) struct Content {
    gathered: VecDeque<Bytes>,
    /// Octets in `gathered`.
    octets: usize,
    body: Body,
    /// Whether the body has ended cleanly, so that what is gathered is all.
    is_end: bool,
    /// The parts that were taken, while they may be needed again.
    sent: Vec<Bytes>,
    /// Whether `sent` holds everything that was taken.
    is_kept: bool,
    is_7bit_only: bool,
    /// Watches the header if it must be ASCII.
    header: Option<HeaderScan>,
    /// Converts the message for the host, until its end was asked for.
    conversion: Option<Conversion>,
    /// Knows whether somebody has given up the message before its end is sent.
    departure: Option<Arc<Departure>>,
}

impl Content {
    pub(super) fn new(body: Body, departure: Option<Arc<Departure>>) -> Self {
        Self {
            gathered: VecDeque::new(),
            octets: 0,
            body,
            is_end: false,
            sent: Vec::new(),
            is_kept: true,
            is_7bit_only: false,
            header: None,
            conversion: None,
            departure,
        }
    }

    /// Whether the end of the message may be sent; afterwards the host may have all of it. If not,
    /// whoever gave up the message drops the transaction.
    pub(super) fn may_go(&self) -> bool {
        let departure = self.departure.as_ref();
        departure.is_none_or(|departure| departure.may_go())
    }

    /// The octets that are left, if that is known.
    pub(super) fn len(&self) -> Option<u64> {
        let rest = if self.is_end { 0 } else { self.body.len()? };
        Some(self.octets as u64 + rest)
    }

    /// Whether a part of it is there, even if only its end.
    pub(super) fn is_begun(&self) -> bool {
        self.is_end || self.octets > 0
    }

    /// Whether all of it is there.
    pub(super) fn is_whole(&self) -> bool {
        self.is_end
    }

    /// Whether all of it is there, or at least that many octets.
    pub(super) fn has_gathered(&self, octets: usize) -> bool {
        self.is_end || self.octets >= octets
    }

    /// What is known about it; nothing about its octets unless they are `read`.
    pub(super) fn foreknowledge(&self, is_read: bool) -> Foreknowledge {
        let length = self.len();
        if !is_read {
            return Foreknowledge {
                length,
                ..Foreknowledge::default()
            };
        }
        let (mut scan, mut gathered) = (HeaderScan::default(), self.gathered.iter());
        let is_header_ascii = gathered.all(|chunk| scan.is_ascii(chunk));
        let is_ascii = is_header_ascii && self.gathered.iter().all(|chunk| chunk.is_ascii());
        // The octets that have not come yet are unknown.
        let known = |is_ascii: bool, is_all: bool| (!is_ascii || is_all).then_some(is_ascii);
        Foreknowledge {
            length,
            is_header_ascii: known(is_header_ascii, scan.is_over() || self.is_end),
            is_ascii: known(is_ascii, self.is_end),
        }
    }

    /// From now on an octet above 127 is a failure, either anywhere or only in the header, unless
    /// the message is converted.
    pub(super) fn restrict(
        &mut self,
        is_7bit_only: bool,
        is_ascii_header_only: bool,
        conversion: Option<Conversion>,
    ) -> Result<(), Unsendable> {
        self.is_7bit_only = is_7bit_only && conversion.is_none();
        self.header = is_ascii_header_only.then(HeaderScan::default);
        self.conversion = conversion;
        // A failure that is already certain is reported before the host knows of the message.
        match &self.conversion {
            Some(conversion) => conversion.clone().would_take(&self.gathered, self.is_end),
            None if is_7bit_only => self.gathered.iter().try_for_each(is_7bit),
            None => Ok(()),
        }
    }

    /// Forgets the parts that were taken, because nobody will need them again.
    pub(super) fn forget_sent(&mut self) {
        self.sent.clear();
        self.is_kept = false;
    }

    /// Puts back what was taken; returns whether that was possible.
    pub(super) fn rewind(&mut self) -> bool {
        if self.is_kept {
            for chunk in self.sent.drain(..).rev() {
                self.octets += chunk.len();
                self.gathered.push_front(chunk);
            }
        }
        self.is_kept
    }

    /// Gathers the next part, unless that many octets are there.
    pub(super) fn poll_gather(
        &mut self,
        cx: &mut Context<'_>,
        octets_max: usize,
    ) -> Poll<Result<(), BodyError>> {
        if self.has_gathered(octets_max) {
            return Poll::Pending;
        }
        match ready!(self.body.poll_chunk(cx)?) {
            Some(chunk) => {
                self.octets += chunk.len();
                self.gathered.push_back(chunk);
            }
            None => self.is_end = true,
        }
        Poll::Ready(Ok(()))
    }

    /// The next part; `None` only after a clean end.
    pub(super) fn poll_chunk(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Bytes>, Failure>> {
        while self.gathered.is_empty() && !self.is_end {
            ready!(self.poll_gather(cx, 1))?;
        }
        Poll::Ready(self.take_chunk().map_err(Into::into))
    }

    /// The next part of what was gathered; it may be empty if the message is converted.
    pub(super) fn take_chunk(&mut self) -> Result<Option<Bytes>, Unsendable> {
        let Some(chunk) = self.gathered.pop_front() else {
            let ended = self.conversion.take_if(|_| self.is_end);
            return ended.map(Conversion::end).transpose();
        };
        self.octets -= chunk.len();
        if self.is_kept {
            self.sent.push(chunk.clone());
        }
        if let Some(header) = &mut self.header
            && !header.is_ascii(&chunk)
        {
            return Err(Unsendable::NeedsSmtputf8);
        }
        if self.is_7bit_only {
            is_7bit(&chunk)?;
        }
        match &mut self.conversion {
            Some(conversion) => conversion.chunk(&chunk).map(Some),
            None => Ok(Some(chunk)),
        }
    }

    /// Takes everything that was gathered, if the message is converted. Only then its length is
    /// known.
    pub(super) fn take_converted(&mut self) -> Result<Option<Bytes>, Unsendable> {
        if self.conversion.is_none() {
            return Ok(None);
        }
        let mut converted = BytesMut::new();
        while let Some(chunk) = self.take_chunk()? {
            converted.extend_from_slice(&chunk);
        }
        Ok(Some(converted.freeze()))
    }

    /// The number of octets that were gathered.
    pub(super) fn gathered_octets(&self) -> usize {
        self.octets
    }
}

fn is_7bit(chunk: &Bytes) -> Result<(), Unsendable> {
    if chunk.is_ascii() {
        Ok(())
    } else {
        Err(Unsendable::Needs8bitmime)
    }
}
