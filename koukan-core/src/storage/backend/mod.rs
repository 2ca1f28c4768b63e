//! The durable tier: the [`Backend`] trait.

mod error;
mod facts;

use std::{fmt, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::watch;

pub use self::{
    error::BackendError,
    facts::{CLOCK_TOLERANCE, Census, Recovered},
};

use crate::blob::BlobId;

use super::{
    Collected, EventPage, EventQuery, ListCursor, Listing, Retention,
    record::{
        Attempt, Change, Commit, Companions, DestinationCensus, Judged, Leased, NewTransaction,
        SchedulingKey, SessionId, Settlement, Standing, StoredTransaction, Suspension,
        SuspensionChange, TransactionId, Work,
    },
};

/// Durable storage of transactions and the blobs they refer to.
///
/// Every function is atomic, and what it wrote is durable when it returns `Ok`: it survives a
/// crash of the process and of the machine. Functions that write may be called by many tasks at
/// the same time; an implementation is expected to commit what arrives together in one commit.
///
/// The contract is executable: `test_util::backend_contract` runs it against any implementation.
///
/// # Cancel safety
///
/// A write whose future is dropped is either done or not done, as a whole.
#[async_trait]
pub trait Backend: fmt::Debug + Send + Sync + 'static {
    /// Begins a session, and frees what sessions that are dead held under lease.
    ///
    /// A transaction so freed is a [`Standing::Suspect`] until an attempt at it ends. It is due at
    /// once, but one that was under lease in five or more crashes without an attempt ended in
    /// between is due only after a while that doubles from one minute up to an hour, so that a
    /// message that crashes the process cannot do so in a loop.
    ///
    /// Where a time that was written down lies more than [`CLOCK_TOLERANCE`] after `now`, the wall clock was set
    /// back while nobody ran: everything is due earlier by as much, as with [`Backend::bring_forward`].
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn open_session(
        &self,
        session: SessionId,
        now: Timestamp,
    ) -> Result<Recovered, BackendError>;

    /// Writes a transaction, its attempts, and its blobs unless they are there already.
    ///
    /// # Errors
    ///
    /// [`BackendError::Repeated`] where a transaction of the same sender's name has the same
    /// idempotency key, and [`BackendError::KeyReused`] where that is of another request; these come
    /// before all else. [`BackendError::NoSuchBlob`] where the body or
    /// a part is said to be stored, or is there already, and is not finished or not of that length.
    async fn insert(&self, transaction: NewTransaction) -> Result<(), BackendError>;

    /// Writes down, in one commit, what became of transactions that were never committed: final ones
    /// without body, key or lease. One whose identity is there already is left out.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn summarise(&self, summaries: Vec<NewTransaction>) -> Result<(), BackendError>;

    /// Writes a transaction in the place of its draft, the one of the same identity and sender's
    /// name with [`Work::Abandon`](super::record::Work::Abandon), in one commit.
    ///
    /// The time when it was started and the idempotency key stay those of the draft. What is written may be a draft
    /// again. A draft that has once been under lease is about to be given up and cannot be completed; so the
    /// fencing token of a transaction that is completed under lease is 1, as with one that is inserted.
    ///
    /// # Errors
    ///
    /// [`BackendError::NotDraft`] where there is no such draft: it was abandoned, completed or cancelled, is being
    /// so, or never was. [`BackendError::NoSuchBlob`] as for [`Backend::insert`]; then the draft stays.
    async fn complete(&self, transaction: NewTransaction) -> Result<(), BackendError>;

    /// Writes several transactions in one commit: all of them or none. A blob that one brings may be
    /// said to be stored by those after it.
    ///
    /// # Errors
    ///
    /// That of [`Backend::insert`] or [`Backend::complete`] for one that cannot be written;
    /// [`BackendError`] also where one of them is there twice.
    async fn commit(&self, together: Vec<Commit>) -> Result<(), BackendError>;

    /// Writes the next octets of a blob, which begins at offset 0.
    ///
    /// # Errors
    ///
    /// [`BackendError::BlobConflict`] where the blob does not end at `offset` or is finished.
    async fn append_blob(
        &self,
        blob: BlobId,
        offset: u64,
        octets: Bytes,
        now: Timestamp,
    ) -> Result<(), BackendError>;

    /// Finishes a blob of `len` octets; from now on transactions can refer to it. Doing so again changes
    /// nothing.
    ///
    /// # Errors
    ///
    /// [`BackendError::BlobConflict`] where the blob has another length; [`BackendError::NoSuchBlob`].
    async fn finish_blob(&self, blob: BlobId, len: u64) -> Result<(), BackendError>;

    /// Reads from `offset` of a finished blob at least one octet, as many as are convenient.
    ///
    /// # Errors
    ///
    /// [`BackendError::NoSuchBlob`] where there is no finished blob or it ends before `offset`.
    async fn read_blob(&self, blob: BlobId, offset: u64) -> Result<Bytes, BackendError>;

    /// Reads finished blobs of one octet up to so many as a whole, in any order. What is not there is left out,
    /// and any other may be: each of these is asked for by [`Backend::read_blob`], as where this fails.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn read_small_blobs(
        &self,
        _blobs: &[BlobId],
        _max: u64,
    ) -> Result<Vec<(BlobId, Bytes)>, BackendError> {
        Ok(Vec::new())
    }

    /// Takes at most `limit` transactions of that standing under lease that are due at `now` and
    /// not under lease: those due first first, but suspects that were in fewer crashes before
    /// others. Of what is to be attempted, nothing is taken that is held, or all of which goes to a
    /// destination that is [suspended](Suspension), or for the destinations in `except`.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn lease_due(
        &self,
        session: SessionId,
        now: Timestamp,
        standing: Standing,
        limit: usize,
        except: &[SchedulingKey],
    ) -> Result<Vec<Leased>, BackendError>;

    /// As [`Backend::lease_due`], of attempts for that destination which are [`Standing::Clear`].
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn lease_for(
        &self,
        session: SessionId,
        now: Timestamp,
        destination: &SchedulingKey,
        limit: usize,
    ) -> Result<Vec<Leased>, BackendError>;

    /// Takes attempts at messages under lease, of which others are under lease already: of each of
    /// `companions` those that are due by then, first due first, and as many as it says at most, but no more
    /// than `limit` in all. What cannot be read is put off from `now`, as by [`Backend::lease_due`]. What is under lease, held, suspended, or a
    /// [`Standing::Suspect`] is left out.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    ///
    /// # Cancel safety
    ///
    /// Dropped before it ends, no lease is taken, or all are given back.
    async fn lease_companions(
        &self,
        session: SessionId,
        now: Timestamp,
        companions: Vec<Companions>,
        limit: usize,
    ) -> Result<Vec<Leased>, BackendError>;

    /// Takes one transaction under lease, whenever it is due: to cancel it, or to retry it now.
    ///
    /// `None` where it is final, under lease or not there, and where something else is to be done
    /// with it than `work`, if that is given; then `None` also where it is held, or is to be attempted for
    /// a destination that is suspended.
    ///
    /// # Errors
    ///
    /// [`BackendError::Malformed`] where it cannot be read; then it is not under lease.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it ends, the lease is not taken or given back.
    async fn lease(
        &self,
        id: TransactionId,
        session: SessionId,
        work: Option<Work>,
    ) -> Result<Option<Leased>, BackendError>;

    /// When the next transaction of that standing that is not under lease is due, which may have passed; what is
    /// held is left out, and attempts for destinations that are suspended and those in `except`.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn next_due(
        &self,
        standing: Standing,
        except: &[SchedulingKey],
    ) -> Result<Option<Timestamp>, BackendError>;

    /// Makes everything that is not final due earlier by so much, since the wall clock was set back
    /// by that: what was to be done in an hour is still to be done in an hour.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn bring_forward(&self, by: Duration) -> Result<(), BackendError>;

    /// Writes what became of a leased transaction and ends the lease.
    ///
    /// # Errors
    ///
    /// [`BackendError::LeaseLost`] where the lease is not held any more; then nothing is written.
    async fn settle(&self, settlement: Settlement) -> Result<(), BackendError>;

    /// Gives a lease back; the transaction is due as it was.
    ///
    /// # Errors
    ///
    /// [`BackendError::LeaseLost`] where the lease is not held any more.
    async fn release(
        &self,
        id: TransactionId,
        session: SessionId,
        fence: u64,
    ) -> Result<(), BackendError>;

    /// Reads one transaction.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn find(&self, id: TransactionId) -> Result<Option<StoredTransaction>, BackendError>;

    /// Reads transactions, newest first.
    /// What cannot be read is left out.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn list(&self, listing: Listing) -> Result<Vec<StoredTransaction>, BackendError>;

    /// As [`Backend::list`], but only of what was committed, and tells where each stands in the list.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn select(&self, listing: Listing) -> Result<Vec<ListCursor>, BackendError>;

    /// Changes what is to happen with transactions, as far as each is one that
    /// [`Action::judge`](super::record::Action::judge) lets be changed; what became of each, in their
    /// order. What was never committed counts as finished.
    ///
    /// A retry makes it due now at the latest. A hold is noted, also where it is under lease, and stays
    /// as long as an attempt is to be made. A release ends that, and makes it due now at the latest. Of
    /// other actions nothing is written: they end each transaction by a settlement.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn change(&self, change: Change) -> Result<Vec<Judged>, BackendError>;

    /// Writes that a destination is suspended, or is not any longer.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn change_suspension(&self, change: SuspensionChange) -> Result<(), BackendError>;

    /// Reads which destinations are suspended, in the order of their names.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn suspensions(&self) -> Result<Vec<Suspension>, BackendError>;

    /// Counts what is queued by destination: of `host`, or of `limit` hosts at most; first those that are
    /// suspended, then those for which most is queued. What goes to several counts for none; a destination
    /// for which nothing is queued is left out.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn destinations(
        &self,
        host: Option<&str>,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<DestinationCensus>, BackendError>;

    /// Reads the attempts that were made at a transaction, the oldest first; of a transaction that was
    /// never committed, the last. None where there is no such transaction.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn attempts(&self, id: TransactionId) -> Result<Vec<Attempt>, BackendError>;

    /// Counts the transactions by what is to happen with them.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn census(&self) -> Result<Census, BackendError>;

    /// Finds out whether the backend could take and give out mail now: what a write and a read wait
    /// for, this waits for too. Nothing of it is seen by others, and nothing is written unless a
    /// write has failed and none of a message has worked since.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn probe(&self) -> Result<(), BackendError>;

    /// Whether it keeps events: [`NewTransaction::events`] of what it commits, [`Settlement::events`], what a
    /// [`Change`] means, and [`NewTransaction::summary_events`], each in the commit of what it tells of.
    fn keeps_events(&self) -> bool {
        false
    }

    /// Reads events. None where it keeps none.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn events(&self, _query: EventQuery) -> Result<EventPage, BackendError> {
        Ok(EventPage::nothing())
    }

    /// How far a reader of events of that name has come; `None` where nothing was kept of one.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn cursor(&self, _name: &str) -> Result<Option<u64>, BackendError> {
        Ok(None)
    }

    /// Keeps how far one has come, in the place of what was kept before; where no events are kept, nothing.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn keep_cursor(&self, _name: &str, _number: u64) -> Result<(), BackendError> {
        Ok(())
    }

    /// Changes when events were committed, so that whoever waits for some looks again. `None` where nobody tells.
    fn events_written(&self) -> Option<watch::Receiver<u64>> {
        None
    }

    /// Whether there is room for new mail, beside what is kept free for what is there already: so that
    /// leases, settlements, notifications and the removal of garbage always fit. Where there is none,
    /// new transactions and blobs are [`BackendError::Full`]. Told from memory; `true` where it is unknown.
    fn has_room(&self) -> bool {
        true
    }

    /// Removes what is no longer of use: transactions that have been final for longer than `retention.finished`,
    /// the oldest events beyond `retention.events`, and blobs older than `retention.orphaned` that no transaction
    /// refers to, as body or as part. The blobs of a final transaction are not kept for its sake; until they are
    /// removed they can be read, and from then on the transaction has no body, or lacks those parts.
    ///
    /// Removes a bounded number at a time and tells how many; call it again while it removes some.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn collect_garbage(
        &self,
        now: Timestamp,
        retention: Retention,
    ) -> Result<Collected, BackendError>;
}
