//! The octets of an upload so far.

use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;

use crate::{
    blob::{Account, Blob, BlobError, BlobWriter},
    causes::Causes,
    message::line_ends::LineEnds,
    repeats::Repeats,
    resource::Refusal,
};

use super::{anew::Start, known::Known};

/// The octets of an upload so far, with the right to add to them.
pub(super) struct Octets {
    writer: BlobWriter,
    account: Account,
    start: Start,
    /// As [`Start::received`], visible to all.
    received: Arc<AtomicU64>,
    /// Octets of ranges as uploaded, from the first one that was stored differently.
    raw: Option<Raw>,
}

/// A blob that has taken the place of another.
pub(crate) struct Replaced {
    /// The current blob from now on.
    pub(crate) blob: Blob,
    /// The writer of the old blob. Dropping it aborts that blob.
    pub(crate) old: BlobWriter,
}

/// Octets as they came.
struct Raw {
    from: u64,
    writer: BlobWriter,
}

impl Octets {
    pub(super) fn new(
        account: &Account,
        is_message: bool,
        received: Arc<AtomicU64>,
    ) -> (Self, Blob) {
        let (writer, blob) = account.create();
        let this = Self {
            writer,
            account: account.clone(),
            start: Start {
                position: 0,
                received: 0,
                identical: 0,
                line_ends: is_message.then(LineEnds::new),
            },
            received,
            raw: None,
        };
        (this, blob)
    }

    /// Whether it is a message, whose line ends are corrected. Parts are stored as they are.
    pub(super) fn is_message(&self) -> bool {
        self.start.line_ends.is_some()
    }

    /// How many octets came.
    pub(super) fn received(&self) -> u64 {
        self.start.received
    }

    /// Everything that is stored.
    pub(super) fn all(&self) -> Known {
        let mut known = Known::default();
        known.add(&self.writer, 0, self.writer.len());
        known
    }

    /// The octets as uploaded from `start` on; `None` where that was not kept.
    pub(super) fn known(&self, start: u64) -> Option<Known> {
        let Start {
            received,
            identical,
            ..
        } = self.start;
        let mut known = Known::default();
        let in_blob = identical.min(self.writer.len());
        known.add(&self.writer, start, in_blob);
        if in_blob < identical && start < identical {
            // It is held back until the next octet is known.
            known.add_octets(b"\r");
        }
        let start = start.max(identical);
        if start < received {
            let raw = self.raw.as_ref().filter(|raw| raw.from <= start)?;
            known.add(&raw.writer, start - raw.from, received - raw.from);
        }
        Some(known)
    }

    /// Adds octets after all others. If a range may repeat them, they are also kept as uploaded.
    pub(super) async fn append(&mut self, chunk: Bytes, is_range: bool) -> Result<(), Refusal> {
        if chunk.is_empty() {
            return Ok(());
        }
        let before = self.start.received;
        let fixed = self.start.add(chunk.clone());
        self.note_received();
        let is_remembered = is_range && self.start.has_changed();
        let raw = is_remembered.then(|| Raw::at(&mut self.raw, before, &self.account));
        // Both at once: each has its octets as soon as it was polled, even if the client goes away
        // while one waits.
        let (kept, remembered) = tokio::join!(self.writer.append(fixed), async {
            match raw {
                Some(raw) => raw.writer.append(chunk).await,
                None => Ok(()),
            }
        });
        kept.and(remembered).map_err(|error| not_kept(&error))
    }

    /// Continues after a beginning that was uploaded again: `rest` replaces everything after it.
    pub(super) async fn go_on_from(
        &mut self,
        start: &Start,
        rest: Bytes,
        replaced: impl Fn(Replaced),
    ) -> Result<(), Refusal> {
        let new = match start.position < self.writer.len() {
            true => self.cut(start.position).await?,
            false => None,
        };
        // Nothing is awaited until the rest is there. A client that goes away leaves all of it or
        // nothing.
        if let Some(new) = new {
            replaced(new);
        }
        self.start = start.clone();
        self.raw = None;
        self.note_received();
        let kept = self.writer.append(rest).await;
        kept.map_err(|error| not_kept(&error))
    }

    /// Removes what comes after `position`. If that is not possible, another blob replaces this
    /// one.
    async fn cut(&mut self, position: u64) -> Result<Option<Replaced>, Refusal> {
        if self.writer.truncate(position) {
            return Ok(None);
        }
        let (mut writer, blob) = self.account.create();
        let mut reader = self.writer.reader(0);
        while writer.len() < position {
            let piece = reader.next().await.map_err(|error| {
                tracing::error!(%error, "could not read back an upload");
                Refusal::no_room()
            })?;
            let mut piece = piece.ok_or_else(Refusal::internal)?;
            let left = usize::try_from(position - writer.len()).unwrap_or(usize::MAX);
            piece.truncate(left);
            let kept = writer.append(piece).await;
            kept.map_err(|error| not_kept(&error))?;
        }
        let old = mem::replace(&mut self.writer, writer);
        Ok(Some(Replaced { blob, old }))
    }

    /// Adds octets that were held back: there are no more.
    pub(super) async fn end(&mut self) -> Result<(), Refusal> {
        let line_ends = self.start.line_ends.as_mut().map(mem::take);
        let held_back = line_ends.map(LineEnds::finish).unwrap_or_default();
        let kept = self.writer.append(held_back).await;
        kept.map_err(|error| not_kept(&error))
    }

    /// Ends the blob: it is complete.
    pub(super) fn finish(self) {
        self.writer.finish();
    }

    fn note_received(&self) {
        self.received.store(self.start.received, Ordering::Release);
    }
}

impl Raw {
    /// The octets as uploaded, continued at `position`.
    fn at<'a>(slot: &'a mut Option<Self>, position: u64, account: &Account) -> &'a mut Self {
        let goes_on = |raw: &Self| raw.from + raw.writer.len() == position;
        let known = slot.take().filter(goes_on);
        slot.insert(known.unwrap_or_else(|| Self {
            from: position,
            writer: account.create().0,
        }))
    }
}

/// For how long uploads that could not be kept are counted before they are told.
const INTERVAL: Duration = Duration::from_secs(10);

static NOT_KEPT: Repeats = Repeats::new(INTERVAL, |uploads, interval| {
    let seconds = interval.as_secs();
    tracing::error!(uploads, seconds, "uploads could still not be stored");
});

fn not_kept(error: &BlobError) -> Refusal {
    if NOT_KEPT.is_first() {
        tracing::error!(error = %Causes(error), "could not store an upload");
    }
    Refusal::no_room()
}
