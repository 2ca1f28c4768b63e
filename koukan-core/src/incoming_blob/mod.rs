//! A blob that is uploaded, in one request or in several.
//!
//! | a request with | does |
//! |---|---|
//! | a range that begins at the end | appends |
//! | a range that begins before the end | must repeat the same octets there, and then appends |
//! | all octets | starts again: skips what is the same, and replaces what is not |
//!
//! Octets that a reader has seen cannot be withdrawn. If they must be replaced, another blob takes
//! the place of the old one, which never ends: its readers must be stopped, and start again
//! ([`Replaced`]).
//!
//! The latest request counts: earlier ones end.

mod anew;
mod expected;
mod known;
mod octets;
mod refusals;

pub(crate) use self::octets::Replaced;

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use bytes::{Buf, Bytes};
use tokio::sync::watch;

use crate::{
    blob::{Account, Blob},
    body::Body,
    resource::{Range, Refusal, RefusalKind, Uploaded},
};

use self::{
    anew::Anew,
    expected::Expected,
    known::Known,
    octets::Octets,
    refusals::{broken_off, other_octets, other_total, superseded},
};

/// A blob that is uploaded.
///
/// *Units*: lengths and positions count octets as uploaded. The blob may have more, since line ends
/// of messages are changed to CRLF.
pub(crate) struct IncomingBlob {
    blob: Mutex<Blob>,
    /// `None` once the blob is complete or has failed.
    octets: tokio::sync::Mutex<Option<Octets>>,
    received: Arc<AtomicU64>,
    total: Mutex<Option<u64>>,
    /// The number of the latest request.
    latest: watch::Sender<u64>,
    max: u64,
}

impl IncomingBlob {
    pub(crate) fn new(account: &Account, is_message: bool, max: u64) -> Self {
        let received = Arc::default();
        let (octets, blob) = Octets::new(account, is_message, Arc::clone(&received));
        Self {
            blob: Mutex::new(blob),
            octets: tokio::sync::Mutex::new(Some(octets)),
            received,
            total: Mutex::default(),
            latest: watch::Sender::new(0),
            max,
        }
    }

    /// The current blob. Until it is complete, another may take its place.
    pub(crate) fn blob(&self) -> Blob {
        self.lock_blob().clone()
    }

    /// Takes the octets of one request. `seen` is called as they come; `replaced` is called when
    /// another blob takes the place of the current one.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the octets so far are kept, and another request continues.
    pub(crate) async fn take(
        &self,
        range: Option<Range>,
        content: Body,
        seen: impl Fn(),
        replaced: impl Fn(Replaced),
    ) -> Result<Uploaded, Refusal> {
        let mut latest = self.latest.subscribe();
        let mut number = 0;
        self.latest.send_modify(|latest| {
            *latest += 1;
            number = *latest;
        });
        let mut slot = self.octets.lock().await;
        let octets = slot.as_mut().ok_or_else(|| self.closed())?;
        let replaced = |new: Replaced| {
            *self.lock_blob() = new.blob.clone();
            replaced(new);
        };
        let taken = tokio::select! {
            biased;
            // The sender lives as long as this.
            _ = latest.wait_for(|latest| *latest > number) => Err(superseded()),
            taken = self.pass(octets, range, content, seen, replaced) => taken,
        };
        if let Err(refusal) = &taken
            && matches!(refusal.kind, RefusalKind::Unavailable { .. })
        {
            *slot = None;
        }
        let finalized = taken?;
        if finalized && let Some(octets) = slot.take() {
            octets.finish();
        }
        Ok(Uploaded {
            len: self.received(),
            total: *self.lock_total(),
            finalized,
        })
    }

    /// Appends the octets of a request. Returns whether the blob is complete then.
    async fn pass(
        &self,
        octets: &mut Octets,
        range: Option<Range>,
        mut content: Body,
        seen: impl Fn(),
        replaced: impl Fn(Replaced),
    ) -> Result<bool, Refusal> {
        let mut input = match range {
            Some(range) => {
                let expected = self.expected(range)?;
                let known = octets.known(range.start);
                Input::Range(expected, known.ok_or_else(|| self.wrong_range())?)
            }
            None => Input::Anew(Anew::new(octets)),
        };
        while let Some(chunk) = content.next().await.map_err(|error| broken_off(&error))? {
            seen();
            match &mut input {
                Input::Range(expected, known) => {
                    expected.take(chunk.len())?;
                    let rest = self.pass_over(known, chunk).await?;
                    self.check_room(octets.received(), rest.len())?;
                    octets.append(rest, true).await?;
                }
                Input::Anew(anew) => {
                    self.check_max(anew.received(), chunk.len())?;
                    if anew.take(octets, chunk, &replaced).await? {
                        input = Input::Rest;
                        *self.lock_total() = None;
                    }
                }
                Input::Rest => {
                    self.check_max(octets.received(), chunk.len())?;
                    octets.append(chunk, false).await?;
                }
            }
        }
        match input {
            Input::Range(expected, _) => {
                expected.check_end()?;
                if *self.lock_total() != Some(self.received()) {
                    return Ok(false);
                }
            }
            Input::Anew(anew) => anew.end(octets, &replaced).await?,
            Input::Rest => {}
        }
        octets.end().await?;
        *self.lock_total() = Some(self.received());
        Ok(true)
    }

    /// Checks octets of a range that are there already. Returns the rest of the chunk.
    async fn pass_over(&self, known: &mut Known, mut chunk: Bytes) -> Result<Bytes, Refusal> {
        let is_there = usize::try_from(known.left()).unwrap_or(usize::MAX);
        let is_there = is_there.min(chunk.len());
        let position = self.received() - known.left();
        let same = known.matching(&chunk[..is_there]).await?;
        if same < is_there {
            return Err(other_octets(position + same as u64));
        }
        chunk.advance(same);
        Ok(chunk)
    }

    /// The state of an upload that has ended.
    pub(crate) fn whole(&self) -> Uploaded {
        Uploaded {
            len: self.received(),
            total: *self.lock_total(),
            finalized: true,
        }
    }

    /// Checks a range against what is there. Returns the octets that are expected.
    fn expected(&self, range: Range) -> Result<Expected, Refusal> {
        let received = self.received();
        let is_behind = range.total.is_some_and(|total| total < received);
        if range.start > received || is_behind {
            return Err(self.wrong_range());
        }
        if range.total.is_some_and(|total| total > self.max) {
            return Err(self.too_large());
        }
        let mut total = self.lock_total();
        Expected::of(range, &mut total)
    }

    /// Checks that more octets may follow those that are there.
    fn check_room(&self, before: u64, len: usize) -> Result<(), Refusal> {
        self.check_max(before, len)?;
        let total = *self.lock_total();
        match total.filter(|total| before + len as u64 > *total) {
            Some(total) => Err(other_total(total)),
            None => Ok(()),
        }
    }

    fn check_max(&self, before: u64, len: usize) -> Result<(), Refusal> {
        match before + len as u64 > self.max {
            true => Err(self.too_large()),
            false => Ok(()),
        }
    }

    fn received(&self) -> u64 {
        self.received.load(Ordering::Acquire)
    }

    fn lock_blob(&self) -> MutexGuard<'_, Blob> {
        self.blob.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_total(&self) -> MutexGuard<'_, Option<u64>> {
        self.total.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The input of a request.
enum Input {
    /// A range, and the octets of it that are there already.
    Range(Expected, Known),
    /// All octets; so far they equal those that are there.
    Anew(Anew),
    /// Octets after everything that is there.
    Rest,
}
