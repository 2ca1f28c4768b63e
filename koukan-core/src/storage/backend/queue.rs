//! Transactions that something is to be done with.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;

use super::super::record::{
    Change, Commit, Companions, Judged, Leased, NewTransaction, SchedulingKey, SessionId,
    Settlement, Standing, Suspension, SuspensionChange, TransactionId, Work,
};
use super::BackendError;

/// Transactions that something is to be done with, and who does it: one of the five parts of a
/// [`Backend`](super::Backend).
///
/// A transaction is written by [`Queue::insert`], or as a draft that [`Queue::complete`] replaces; it is
/// worked on under a lease, and each lease ends by [`Queue::settle`] or [`Queue::release`], or with its session.
///
/// # Cancel safety
///
/// A write whose future is dropped is either done or not done, as a whole.
#[async_trait]
pub trait Queue: fmt::Debug + Send + Sync + 'static {
    /// Writes a transaction, its attempts, and its blobs unless they are there already.
    ///
    /// # Errors
    ///
    /// [`BackendError::Repeated`] where a transaction of the same sender's name has the same
    /// idempotency key, and [`BackendError::KeyReused`] where that is of another request; these come
    /// before all else. [`BackendError::NoSuchBlob`] where the body or
    /// a part is said to be stored, or is there already, and is not finished or not of that length.
    async fn insert(&self, transaction: NewTransaction) -> Result<(), BackendError>;

    /// Writes a transaction in the place of its draft, the one of the same identity and sender's
    /// name with [`Work::Abandon`](super::super::record::Work::Abandon), in one commit.
    ///
    /// The time when it was started and the idempotency key stay those of the draft. What is written may be a draft
    /// again. A draft that has once been under lease is about to be given up and cannot be completed; so the
    /// fencing token of a transaction that is completed under lease is 1, as with one that is inserted.
    ///
    /// # Errors
    ///
    /// [`BackendError::NotDraft`] where there is no such draft: it was abandoned, completed or cancelled, is being
    /// so, or never was. [`BackendError::NoSuchBlob`] as for [`Queue::insert`]; then the draft stays.
    async fn complete(&self, transaction: NewTransaction) -> Result<(), BackendError>;

    /// Writes several transactions in one commit: all of them or none. A blob that one brings may be
    /// said to be stored by those after it.
    ///
    /// # Errors
    ///
    /// That of [`Queue::insert`] or [`Queue::complete`] for one that cannot be written;
    /// [`BackendError`] also where one of them is there twice.
    async fn commit(&self, together: Vec<Commit>) -> Result<(), BackendError>;

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

    /// As [`Queue::lease_due`], of attempts for that destination which are [`Standing::Clear`].
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

    /// Takes what is to be done with messages under lease, of which others are under lease already: of each of
    /// `companions` those that are due by then, first due first where they are attempts, and as many as it says
    /// at most, but no more than `limit` in all. What cannot be read is put off from `now`, as by
    /// [`Queue::lease_due`]. What is under lease, a [`Standing::Suspect`], or an attempt that is held or
    /// suspended, is left out.
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

    /// Asks for a transaction to be cancelled by whoever works on it: [`Sessions::refresh_session`] tells them.
    /// Where the store is one process's alone it need not be noted, since that process knows.
    ///
    /// [`Sessions::refresh_session`]: super::Sessions::refresh_session
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn request_cancel(&self, id: TransactionId) -> Result<(), BackendError> {
        let _ = id;
        Ok(())
    }

    /// Which session has a transaction under lease, if one has that lives.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn holder(&self, id: TransactionId) -> Result<Option<SessionId>, BackendError> {
        let _ = id;
        Ok(None)
    }

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

    /// Writes what became of a leased transaction, and of those that are settled together with it, and ends
    /// their leases: in one commit, all of them or none.
    ///
    /// # Errors
    ///
    /// [`BackendError::LeaseLost`] where one of the leases is not held any more; then nothing is written.
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

    /// Changes what is to happen with transactions, as far as each is one that
    /// [`QueueAction::judge`](super::super::record::QueueAction::judge) lets be changed; what became of each, in their
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
}
