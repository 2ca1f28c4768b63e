//! Message bytes that are written once and read by many while they still grow: the [`Blob`].
//!
//! A blob keeps the newest octets in memory, up to its window, and spills older ones to a
//! [`SpillFile`]. Readers follow the writer at their own pace; none waits for another.
//!
//! What blobs keep, in memory and spilled, is charged to the client that brings it. There is one budget for all;
//! [`shares`](crate::shares) says how clients share it:
//!
//! | when | is charged | is refused |
//! |---|---|---|
//! | a transaction begins ([`Account::advance`]) | 64 KiB of memory, or a window if that is less; and the size that the client declares, of room to spill to | at once |
//! | octets come | memory in steps of a window, where that does not suffice | never: older octets spill |
//! | octets spill | what was not charged yet | then: the message is not kept |
//! | a filter holds a whole message ([`Account::hold`]) | its octets, as they come | then |
//!
//! A charge is granted or refused at once; nobody waits for one. The agent's own work
//! ([`Payer::Agent`]) has a reserve that clients cannot touch.

mod account;
mod backing;
mod budget;
mod charges;
mod held;
mod id;
mod payer;
mod pool;
mod reader;
mod state;
mod writer;

pub use self::{
    account::Account,
    backing::{Backing, Spill, SpillFile},
    held::HeldOctets,
    id::BlobId,
    payer::Payer,
    pool::{BlobPool, Limits},
    reader::BlobReader,
    writer::{BlobError, BlobWriter},
};

use std::{
    fmt,
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;

use crate::{failure::Aborted, sync::atomic::Ordering};

use self::state::{End, Shared};

/// A handle to the bytes of a message body; clones are cheap and share them.
///
/// *Shape*: an RFC 5322 message, or the end of one whose first header fields stand elsewhere; CRLF
/// line ends, not dot-stuffed.
#[derive(Clone)]
pub struct Blob(Arc<Shared>);

impl Blob {
    /// A finished blob in memory.
    pub fn from_bytes(bytes: Bytes) -> Self {
        Self(Arc::new(Shared::finished(BlobId::random(), bytes)))
    }

    /// A finished blob of `len` octets that can be read from `backing`.
    pub fn stored(id: BlobId, len: u64, backing: Arc<dyn Backing>) -> Self {
        Self(Arc::new(Shared::stored(id, len, backing)))
    }

    /// The blob's identity, also in durable storage.
    pub fn id(&self) -> BlobId {
        self.0.id
    }

    /// The length in octets once the blob is finished.
    pub fn len(&self) -> Option<u64> {
        let state = self.0.lock();
        state.is_finished().then_some(state.len)
    }

    /// How many octets were written so far.
    pub(crate) fn written(&self) -> u64 {
        self.0.lock().len
    }

    /// Whether the blob is finished and without octets.
    pub fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }

    /// Waits until the writer has ended, and returns the length in octets.
    ///
    /// # Errors
    ///
    /// [`Aborted`] when the writer went away before the end.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when it is dropped before it ends.
    pub async fn ended(&self) -> Result<u64, Aborted> {
        poll_fn(|cx| self.poll_ended(cx)).await
    }

    /// As [`Blob::ended`], to be polled.
    pub fn poll_ended(&self, cx: &Context<'_>) -> Poll<Result<u64, Aborted>> {
        let mut state = self.0.lock();
        match state.end {
            End::Finished => Poll::Ready(Ok(state.len)),
            End::Aborted => Poll::Ready(Err(Aborted)),
            End::Growing => {
                state.waiters.add(cx.waker());
                Poll::Pending
            }
        }
    }

    /// A reader that starts at the first octet.
    pub fn reader(&self) -> BlobReader {
        BlobReader::new(Arc::clone(&self.0))
    }

    /// The whole content without a copy, if the blob is finished and still all in memory.
    pub fn in_memory(&self) -> Option<Vec<Bytes>> {
        self.0.lock().in_memory()
    }

    /// Frees the memory and the spill file of a finished blob that can now be read elsewhere.
    ///
    /// Does nothing to a blob that is not finished.
    pub fn rebase(&self, backing: Arc<dyn Backing>) {
        self.0.rebase(backing);
    }

    /// Stores the blob with `store`, once, whoever asks for it and however many do at once.
    ///
    /// # Errors
    ///
    /// Those of `store`; the next caller then tries again.
    pub(crate) async fn persist<E, Fut>(&self, store: impl FnOnce() -> Fut) -> Result<(), E>
    where
        Fut: Future<Output = Result<(), E>>,
    {
        if self.is_stored() {
            return Ok(());
        }
        self.0.persisted.get_or_try_init(store).await.map(|_| ())
    }

    /// How many octets were stored so far, where storing failed half-way.
    pub(crate) fn stored_len(&self) -> u64 {
        self.0.stored_len.load(Ordering::Acquire)
    }

    /// How often octets could not be read back, by any reader.
    pub(crate) fn read_failures(&self) -> u32 {
        self.0.read_failures.load(Ordering::Relaxed)
    }

    /// Notes how many octets were stored so far.
    pub(crate) fn set_stored_len(&self, len: u64) {
        self.0.stored_len.store(len, Ordering::Release);
    }

    /// Whether the blob is read from durable storage.
    pub fn is_stored(&self) -> bool {
        self.0.lock().is_stored
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({})", self.id())
    }
}
