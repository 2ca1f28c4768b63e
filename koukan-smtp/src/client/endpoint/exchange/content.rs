//! The message, with what was taken in of it before it could be sent.

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

/// The message: first what was gathered of it, then what comes.
#[derive(Debug)]
pub(super) struct Content {
    gathered: VecDeque<Bytes>,
    /// Octets in `gathered`.
    octets: usize,
    body: Body,
    /// Whether the body has ended cleanly, so that what is gathered is all.
    is_end: bool,
    /// What was taken of it while it may be asked for again.
    sent: Vec<Bytes>,
    /// Whether all that was taken is in `sent`.
    is_kept: bool,
    is_7bit_only: bool,
    /// Watches the header where that must be ASCII.
    header: Option<HeaderScan>,
    /// What makes of it what the host takes, until its end was asked for.
    conversion: Option<Conversion>,
    /// Who may have given the message up by when its end is to be sent.
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

    /// Whether what makes the message whole may be sent: then the host may have it. If not, whoever gave it up drops
    /// the transaction.
    pub(super) fn may_go(&self) -> bool {
        let departure = self.departure.as_ref();
        departure.is_none_or(|departure| departure.may_go())
    }

    /// Octets that are left, where that is known.
    pub(super) fn len(&self) -> Option<u64> {
        let rest = if self.is_end { 0 } else { self.body.len()? };
        Some(self.octets as u64 + rest)
    }

    /// Whether something of it is there, if only its end.
    pub(super) fn is_begun(&self) -> bool {
        self.is_end || self.octets > 0
    }

    /// Whether all of it is there.
    pub(super) fn is_whole(&self) -> bool {
        self.is_end
    }

    /// Whether all of it, or that many octets, are there.
    pub(super) fn has_gathered(&self, octets: usize) -> bool {
        self.is_end || self.octets >= octets
    }

    /// What is known of it; of its octets nothing unless they are `read`.
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
        // What has not come yet may have any octets.
        let known = |is_ascii: bool, is_all: bool| (!is_ascii || is_all).then_some(is_ascii);
        Foreknowledge {
            length,
            is_header_ascii: known(is_header_ascii, scan.is_over() || self.is_end),
            is_ascii: known(is_ascii, self.is_end),
        }
    }

    /// From now on an octet above 127 is a failure, anywhere or in the header, where nothing converts it.
    pub(super) fn restrict(
        &mut self,
        is_7bit_only: bool,
        is_ascii_header_only: bool,
        conversion: Option<Conversion>,
    ) -> Result<(), Unsendable> {
        self.is_7bit_only = is_7bit_only && conversion.is_none();
        self.header = is_ascii_header_only.then(HeaderScan::default);
        self.conversion = conversion;
        // What can be told before the host knows of it is.
        match &self.conversion {
            Some(conversion) => conversion.clone().would_take(&self.gathered, self.is_end),
            None if is_7bit_only => self.gathered.iter().try_for_each(is_7bit),
            None => Ok(()),
        }
    }

    /// Nobody will ask again for what was taken.
    pub(super) fn forget_sent(&mut self) {
        self.sent.clear();
        self.is_kept = false;
    }

    /// Puts back what was taken; says whether that was possible.
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

    /// The next part, `None` after the clean end only.
    pub(super) fn poll_chunk(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Bytes>, Failure>> {
        while self.gathered.is_empty() && !self.is_end {
            ready!(self.poll_gather(cx, 1))?;
        }
        Poll::Ready(self.take_chunk().map_err(Into::into))
    }

    /// The next part of what was gathered; it may be empty where it is converted.
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

    /// Takes all that was gathered if it is converted: only then it is known how much it is.
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

    /// Octets that were gathered.
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
