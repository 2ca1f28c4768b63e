//! The octets of a message, written once and read by many while they still grow: the [`Blob`].
//!
//! A blob keeps its newest octets in memory, up to its window, and spills older ones to a [`SpillFile`]. Readers
//! follow the writer at their own pace, and do not wait for each other.
//!
//! The octets of blobs, in memory and spilled, are charged to the client that sends them. All share one budget;
//! [`shares`](crate::shares) says how:
//!
//! | when | is charged | is refused |
//! |---|---|---|
//! | a transaction begins ([`Account::advance`]) | 64 KiB of memory, or a window if that is less; and the size that the client declares, of spill | at once |
//! | octets arrive | memory in steps of a window, where the charge does not suffice | never: older octets spill |
//! | octets spill | the part that was not charged yet | then: the message is not kept |
//! | a filter holds a whole message ([`Account::hold`]) | its octets, as they arrive | then |
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

/// A handle to the octets of a message body. Clones are cheap and share the octets.
///
/// *Shape*: an RFC 5322 message, or one without its first header fields, which are stored
/// elsewhere. Lines end with CRLF; nothing is dot-stuffed.
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

    /// The blob's identity, which is the same in durable storage.
    pub fn id(&self) -> BlobId {
        self.0.id
    }

    /// The length in octets; `None` until the blob is finished.
    pub fn len(&self) -> Option<u64> {
        let state = self.0.lock();
        state.is_finished().then_some(state.len)
    }

    /// The number of octets written so far.
    pub(crate) fn written(&self) -> u64 {
        self.0.lock().len
    }

    /// Whether the blob is finished and without octets.
    pub fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }

    /// Waits until the blob is finished. Returns its length in octets.
    ///
    /// # Errors
    ///
    /// [`Aborted`] when the writer was dropped before the end.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
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

    /// The whole content without a copy, if the blob is finished and completely in memory.
    pub fn in_memory(&self) -> Option<Vec<Bytes>> {
        self.0.lock().in_memory()
    }

    /// Frees the memory and the spill file of a finished blob, which can be read from `backing`
    /// from now on.
    ///
    /// Does nothing to an unfinished blob.
    pub fn rebase(&self, backing: Arc<dyn Backing>) {
        self.0.rebase(backing);
    }

    /// Stores the blob with `store`. It is stored once, even if several callers ask at the same
    /// time.
    ///
    /// # Errors
    ///
    /// The errors of `store`. The next caller tries again.
    pub(crate) async fn persist<E, Fut>(&self, store: impl FnOnce() -> Fut) -> Result<(), E>
    where
        Fut: Future<Output = Result<(), E>>,
    {
        if self.is_stored() {
            return Ok(());
        }
        self.0.persisted.get_or_try_init(store).await.map(|_| ())
    }

    /// The number of octets that were stored before storing failed.
    pub(crate) fn stored_len(&self) -> u64 {
        self.0.stored_len.load(Ordering::Acquire)
    }

    /// How often octets could not be read back, for all readers together.
    pub(crate) fn read_failures(&self) -> u32 {
        self.0.read_failures.load(Ordering::Relaxed)
    }

    /// Notes how many octets are stored.
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
