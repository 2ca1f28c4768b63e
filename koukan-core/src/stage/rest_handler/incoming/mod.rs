//! A blob that is uploaded, in one request or in several.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::{Buf, Bytes};
use tokio::sync::Notify;

use crate::{
    blob::{Blob, BlobPool, BlobWriter},
    body::{Body, BodyError},
    causes::Causes,
    message::line_ends::LineEnds,
    repeats::Repeats,
    resource::{Range, Refusal, RefusalKind, Uploaded},
};

use super::refuse::no_room;

/// For how long uploads that could not be kept are counted before they are told.
const INTERVAL: Duration = Duration::from_secs(10);

static NOT_KEPT: Repeats = Repeats::new(INTERVAL, |uploads, interval| {
    let seconds = interval.as_secs();
    tracing::error!(uploads, seconds, "uploads could still not be kept");
});

/// A blob that is uploaded.
///
/// *Units*: lengths and positions are those of the octets as they are uploaded; the blob may have
/// more, since line ends of messages are made CRLF.
pub(super) struct Incoming {
    blob: Blob,
    /// `None` once the blob is complete or has failed.
    writer: tokio::sync::Mutex<Option<Writer>>,
    received: AtomicU64,
    total: Mutex<Option<u64>>,
    /// Told when another request goes on with the upload, so that one that hangs gives way.
    superseded: Notify,
    max: u64,
}

/// Octets that a request is to bring.
struct Expected {
    left: u64,
    /// Not only at most.
    is_exact: bool,
}

struct Writer {
    blob: BlobWriter,
    /// For messages; parts are taken as they are.
    line_ends: Option<LineEnds>,
}

impl Incoming {
    pub(super) fn new(pool: &BlobPool, is_message: bool, max: u64) -> Self {
        let (writer, blob) = pool.create();
        Self {
            blob,
            writer: tokio::sync::Mutex::new(Some(Writer {
                blob: writer,
                line_ends: is_message.then(LineEnds::new),
            })),
            received: AtomicU64::new(0),
            total: Mutex::new(None),
            superseded: Notify::new(),
            max,
        }
    }

    pub(super) fn blob(&self) -> &Blob {
        &self.blob
    }

    /// Takes the octets of one request; `seen` is called as they come.
    pub(super) async fn take(
        &self,
        range: Option<Range>,
        mut content: Body,
        seen: impl Fn(),
    ) -> Result<Uploaded, Refusal> {
        self.superseded.notify_waiters();
        let mut writer = self.writer.lock().await;
        let superseded = self.superseded.notified();
        tokio::pin!(superseded);
        superseded.as_mut().enable();
        let open = writer.as_mut().ok_or_else(|| self.closed())?;
        let mut expected = self.check(range)?;
        let mut skip = self.received() - range.map_or(0, |range| range.start);
        loop {
            let chunk = tokio::select! {
                biased;
                () = &mut superseded => return Err(superseded_refusal()),
                chunk = content.next() => chunk,
            };
            let Some(mut chunk) = chunk.map_err(|error| broken_off(&error))? else {
                break;
            };
            seen();
            if let Some(expected) = &mut expected {
                let len = chunk.len() as u64;
                expected.left = expected.left.checked_sub(len).ok_or_else(too_many)?;
            }
            let known = usize::try_from(skip).map_or(chunk.len(), |skip| skip.min(chunk.len()));
            chunk.advance(known);
            skip -= known as u64;
            if let Err(refusal) = self.append(open, chunk).await {
                if matches!(refusal.kind, RefusalKind::Unavailable { .. }) {
                    *writer = None;
                }
                return Err(refusal);
            }
        }
        if range.is_none() && skip > 0 {
            return Err(self.shorter(self.received()));
        }
        if expected.is_some_and(|expected| expected.is_exact && expected.left > 0) {
            let detail = "there are fewer octets than Content-Range says: go on with the rest";
            return Err(Refusal::malformed(detail));
        }
        let total = *self.lock_total();
        if let Some(total) = total.filter(|total| range.is_none() && *total != self.received()) {
            return Err(self.shorter(total));
        }
        let finalized = match range {
            None => true,
            Some(_) => total == Some(self.received()),
        };
        if finalized {
            *self.lock_total() = Some(self.received());
            finish(&mut writer).await?;
        }
        Ok(Uploaded {
            len: self.received(),
            total: *self.lock_total(),
            finalized,
        })
    }

    /// What there is of an upload that has ended.
    pub(super) fn whole(&self) -> Uploaded {
        Uploaded {
            len: self.received(),
            total: *self.lock_total(),
            finalized: true,
        }
    }

    /// Checks a range against what is there; returns how many octets are to come.
    fn check(&self, range: Option<Range>) -> Result<Option<Expected>, Refusal> {
        let Some(range) = range else {
            return Ok(None);
        };
        let received = self.received();
        let is_behind = range.total.is_some_and(|total| total < received);
        if range.start > received || is_behind {
            return Err(self.wrong_range());
        }
        if range.total.is_some_and(|total| total > self.max) {
            return Err(self.too_large());
        }
        let mut total = self.lock_total();
        if let (Some(known), Some(told)) = (*total, range.total)
            && known != told
        {
            let detail = format!("the length was said to be {known} before");
            return Err(Refusal::new(RefusalKind::Conflict, detail).at("Content-Range"));
        }
        if let Some(total) = total.or(range.total)
            && range.end.is_some_and(|end| end > total)
        {
            let detail = format!("the range goes beyond the length, which is {total}");
            return Err(Refusal::new(RefusalKind::Conflict, detail).at("Content-Range"));
        }
        *total = total.or(range.total);
        let end = range.end.or(*total);
        let is_exact = range.end.is_some();
        Ok(end.map(|end| Expected {
            left: end.saturating_sub(range.start),
            is_exact,
        }))
    }

    async fn append(&self, writer: &mut Writer, chunk: Bytes) -> Result<(), Refusal> {
        let len = chunk.len() as u64;
        if len == 0 {
            return Ok(());
        }
        if self.received() + len > self.max {
            return Err(self.too_large());
        }
        let total = *self.lock_total();
        if let Some(total) = total.filter(|total| self.received() + len > *total) {
            let detail = format!("there are more octets than the {total} that were told");
            return Err(Refusal::new(RefusalKind::Conflict, detail));
        }
        let chunk = match &mut writer.line_ends {
            Some(line_ends) => line_ends.normalize(chunk),
            None => chunk,
        };
        // Before it is waited for: the blob has the octets even where the client goes away then.
        self.received.fetch_add(len, Ordering::Release);
        writer.blob.append(chunk).await.map_err(|error| {
            if NOT_KEPT.is_first() {
                tracing::error!(error = %Causes(&error), "could not keep what is uploaded");
            }
            no_room()
        })
    }

    fn received(&self) -> u64 {
        self.received.load(Ordering::Acquire)
    }

    fn shorter(&self, len: u64) -> Refusal {
        let detail = format!("the blob has {len} octets: it cannot be replaced, but gone on with");
        Refusal::new(RefusalKind::Conflict, detail)
    }

    /// Why nothing more is taken.
    fn closed(&self) -> Refusal {
        if self.blob.len().is_some() {
            return self.wrong_range();
        }
        let detail = "what was uploaded could not be kept: create another transaction";
        Refusal::new(RefusalKind::Conflict, detail)
    }

    fn wrong_range(&self) -> Refusal {
        let (len, total) = (self.received(), *self.lock_total());
        let detail = match total {
            Some(total) if total == len => {
                "the blob is complete: it cannot be written again".into()
            }
            _ => format!("the blob has {len} octets: go on from there"),
        };
        Refusal::new(RefusalKind::WrongRange { len, total }, detail)
    }

    fn too_large(&self) -> Refusal {
        let detail = format!("there may be {} octets at most", self.max);
        Refusal::new(RefusalKind::TooLarge, detail)
    }

    fn lock_total(&self) -> MutexGuard<'_, Option<u64>> {
        self.total.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the blob; what is not ended since the client goes away is ended by the next request.
async fn finish(slot: &mut Option<Writer>) -> Result<(), Refusal> {
    let Some(writer) = slot else { return Ok(()) };
    let rest = writer.line_ends.take().map(LineEnds::finish);
    if let Some(rest) = rest.filter(|rest| !rest.is_empty())
        && writer.blob.append(rest).await.is_err()
    {
        *slot = None;
        return Err(no_room());
    }
    if let Some(writer) = slot.take() {
        writer.blob.finish();
    }
    Ok(())
}

fn too_many() -> Refusal {
    Refusal::malformed("there are more octets than Content-Range says").at("Content-Range")
}

fn superseded_refusal() -> Refusal {
    let detail = "another request goes on with this upload";
    Refusal::new(RefusalKind::Conflict, detail)
}

fn broken_off(error: &BodyError) -> Refusal {
    match error {
        BodyError::Rejected(_) => {
            Refusal::new(RefusalKind::TooLarge, "it is larger than it may be")
        }
        _ => Refusal::malformed("the request broke off: go on where the blob ends now"),
    }
}
