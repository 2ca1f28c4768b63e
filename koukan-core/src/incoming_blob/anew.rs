//! All octets once more.

use bytes::Bytes;

use crate::{message::line_ends::LineEnds, resource::Refusal};

use super::{
    known::Known,
    octets::{Octets, Replaced},
};

/// An upload of all octets, which so far are those that are there.
///
/// What is compared are octets as they lie in the blob, so that line ends do not matter which come
/// to the same.
pub(super) struct Anew {
    /// How what came so far goes on.
    pub(super) start: Start,
    known: Known,
}

/// Octets that came, and that are the beginning of the blob.
#[derive(Clone)]
pub(super) struct Start {
    /// How many octets they are in the blob.
    pub(super) position: u64,
    /// How many came.
    pub(super) received: u64,
    /// How many of these lie in the blob as they came.
    pub(super) identical: u64,
    pub(super) line_ends: Option<LineEnds>,
}

impl Anew {
    pub(super) fn new(octets: &Octets) -> Self {
        Self {
            start: Start {
                position: 0,
                received: 0,
                identical: 0,
                line_ends: octets.is_message().then(LineEnds::new),
            },
            known: octets.all(),
        }
    }

    pub(super) fn received(&self) -> u64 {
        self.start.received
    }

    /// Takes the next octets; returns whether they have led beyond what was there, which then ends
    /// with them.
    pub(super) async fn take(
        &mut self,
        octets: &mut Octets,
        chunk: Bytes,
        replaced: &impl Fn(Replaced),
    ) -> Result<bool, Refusal> {
        let mut chunk = self.start.add(chunk);
        let same = self.known.matching(&chunk).await?;
        self.start.position += same as u64;
        let rest = chunk.split_off(same);
        if rest.is_empty() {
            return Ok(false);
        }
        octets.go_on_from(&self.start, rest, replaced).await?;
        Ok(true)
    }

    /// Ends where what came ends: what is behind it was replaced by nothing.
    pub(super) async fn end(
        mut self,
        octets: &mut Octets,
        replaced: &impl Fn(Replaced),
    ) -> Result<(), Refusal> {
        let line_ends = self.start.line_ends.as_mut().map(std::mem::take);
        let mut held_back = line_ends.map(LineEnds::finish).unwrap_or_default();
        let same = self.known.matching(&held_back).await?;
        self.start.position += same as u64;
        let rest = held_back.split_off(same);
        octets.go_on_from(&self.start, rest, replaced).await
    }
}

impl Start {
    /// Adds octets that came; returns them as they are to lie in the blob.
    pub(super) fn add(&mut self, chunk: Bytes) -> Bytes {
        self.received += chunk.len() as u64;
        let fixed = match &mut self.line_ends {
            Some(line_ends) => line_ends.normalize(chunk),
            None => chunk,
        };
        if !self.has_changed() {
            self.identical = self.received;
        }
        fixed
    }

    /// Whether a line end was changed.
    pub(super) fn has_changed(&self) -> bool {
        self.line_ends.as_ref().is_some_and(LineEnds::has_changed)
    }
}
