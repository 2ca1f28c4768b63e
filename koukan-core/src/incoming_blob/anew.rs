//! An upload that starts again.

use bytes::Bytes;

use crate::{message::line_ends::LineEnds, resource::Refusal};

use super::{
    known::Known,
    octets::{Octets, Replaced},
};

/// An upload of all octets, of which all so far equal those that are there.
///
/// Octets are compared as stored in the blob, so different line ends that are stored alike do not
/// matter.
pub(super) struct Anew {
    /// The uploaded octets so far.
    pub(super) start: Start,
    known: Known,
}

/// Uploaded octets that equal the beginning of the blob.
#[derive(Clone)]
pub(super) struct Start {
    /// Their number in the blob.
    pub(super) position: u64,
    /// Their number as uploaded.
    pub(super) received: u64,
    /// How many of these are stored unchanged.
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

    /// Takes the next octets. Returns whether they differ from, or go beyond, what was there, so
    /// that the comparison is over.
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

    /// Ends at the end of the upload: nothing replaces what came after it before.
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
    /// Adds uploaded octets. Returns them as they are to be stored.
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
