//! Unfinished transactions.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;

use super::super::record::{
    Change, Commit, Companions, Judged, Leased, NewTransaction, SchedulingKey, SessionId,
    Settlement, Standing, Suspension, SuspensionChange, TransactionId, Work,
};
use super::BackendError;

/// Unfinished transactions, and their leases: one of the five parts of a [`Backend`](super::Backend).
///
/// A transaction is written by [`Queue::insert`], or as a draft that [`Queue::complete`] replaces. It is worked
/// on under a lease. A lease ends with [`Queue::settle`], with [`Queue::release`], or with its session.
///
/// # Cancel safety
///
/// A write whose future is dropped is done completely or not at all.
#[async_trait]
pub trait Queue: fmt::Debug + Send + Sync + 'static {
    /// Writes a transaction, its attempts, and those of its blobs that do not exist.
    ///
    /// # Errors
    ///
    /// [`BackendError::Repeated`] where a transaction of the same sender has the same idempotency key, and
    /// [`BackendError::KeyReused`] where that was another request; these are checked first.
    /// [`BackendError::NoSuchBlob`] where the body or a part is declared as stored, or exists already, and is
    /// unfinished or has another length.
    async fn insert(&self, transaction: NewTransaction) -> Result<(), BackendError>;

    /// Replaces a draft by its transaction, in one commit. The draft has the same identity and sender, and
    /// [`Work::Abandon`](super::super::record::Work::Abandon).
    ///
    /// The draft's time of creation and idempotency key are kept. The new transaction may be a draft, too. A draft
    /// that was ever leased is about to be given up, and cannot be completed. So the fencing token of a transaction
    /// that is completed under a lease is 1, as for an inserted one.
    ///
    /// # Errors
    ///
    /// [`BackendError::NotDraft`] where there is no such draft: it never existed, or it was or is being abandoned,
    /// completed or cancelled. [`BackendError::NoSuchBlob`] as for [`Queue::insert`]; then the draft stays.
    async fn complete(&self, transaction: NewTransaction) -> Result<(), BackendError>;

    /// Writes several transactions in one commit, all or none. A blob that one of them brings may be declared as
    /// stored by later ones.
    ///
    /// # Errors
    ///
    /// The error of [`Queue::insert`] or [`Queue::complete`] for one that cannot be written;
    /// [`BackendError`] also where a transaction occurs twice.
    async fn commit(&self, together: Vec<Commit>) -> Result<(), BackendError>;

    /// Leases at most `limit` transactions with this standing that are due at `now` and not leased:
    /// the earliest first; of suspects, those in fewer crashes first. Attempts are left out if the
    /// transaction is held, if all of it goes to a [suspended](Suspension) destination, or if it
    /// goes to a destination in `except`.
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

    /// As [`Queue::lease_due`], for attempts at this destination that are [`Standing::Clear`].
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

    /// Leases what belongs to messages of which other transactions are leased already: for each of `companions`
    /// the transactions that are due by its time (attempts: the earliest first), up to its own limit, and at
    /// most `limit` in all. A transaction that cannot be read is postponed from `now`, as by
    /// [`Queue::lease_due`]. Transactions that are leased or a [`Standing::Suspect`] are left out, and so are
    /// attempts that are held or suspended.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, no lease is taken, or all are given back.
    async fn lease_companions(
        &self,
        session: SessionId,
        now: Timestamp,
        companions: Vec<Companions>,
        limit: usize,
    ) -> Result<Vec<Leased>, BackendError>;

    /// Leases one transaction, whenever it is due: to cancel it, or to retry it now.
    ///
    /// Returns `None` where it is final, leased or missing; and, if `work` is given, where it has other
    /// work to do, is held, or is to be attempted at a suspended destination.
    ///
    /// # Errors
    ///
    /// [`BackendError::Malformed`] where it cannot be read; then it is not leased.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the lease is not taken, or is given back.
    async fn lease(
        &self,
        id: TransactionId,
        session: SessionId,
        work: Option<Work>,
    ) -> Result<Option<Leased>, BackendError>;

    /// Asks whoever works on a transaction to cancel it: [`Sessions::refresh_session`] reports the request. If
    /// the store belongs to one process, the request need not be stored, since that process knows.
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

    /// The live session that holds the lease of a transaction, if there is one.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn holder(&self, id: TransactionId) -> Result<Option<SessionId>, BackendError> {
        let _ = id;
        Ok(None)
    }

    /// When the next transaction with this standing is due that is not leased; this may be in the past. Held
    /// transactions are left out, and attempts at destinations that are suspended or in `except`.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn next_due(
        &self,
        standing: Standing,
        except: &[SchedulingKey],
    ) -> Result<Option<Timestamp>, BackendError>;

    /// Makes all unfinished transactions due earlier by this much, since the wall clock was set
    /// back by it: work that was due in an hour is still due in an hour.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn bring_forward(&self, by: Duration) -> Result<(), BackendError>;

    /// Writes the outcome for a leased transaction, and for those that are settled together with it, and
    /// ends their leases. Also writes the new transactions that come with them ([`Settlement::kept`] and the
    /// notification): in one commit, all or none.
    ///
    /// # Errors
    ///
    /// [`BackendError::LeaseLost`] where one of the leases is no longer held, whatever else is wrong; or
    /// [`BackendError::SessionLost`] where the session is dead. The error of [`Queue::insert`] for a new transaction
    /// that cannot be written. Nothing is written then.
    async fn settle(&self, settlement: Settlement) -> Result<(), BackendError>;

    /// Gives a lease back. The due time of the transaction is unchanged.
    ///
    /// # Errors
    ///
    /// [`BackendError::LeaseLost`] where the lease is no longer held.
    async fn release(
        &self,
        id: TransactionId,
        session: SessionId,
        fence: u64,
    ) -> Result<(), BackendError>;

    /// Changes the transactions that [`QueueAction::judge`](super::super::record::QueueAction::judge) permits to be
    /// changed. Returns the result for each, in order, with the number of its recipients that are not settled. A
    /// transaction that was never committed counts as finished.
    ///
    /// A retry makes a transaction due now at the latest. A hold is recorded even while it is leased, and lasts as
    /// long as an attempt is to be made. A release ends the hold, and makes it due now at the latest. Other actions
    /// write nothing here: they end transactions by settlements.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn change(&self, change: Change) -> Result<Vec<Judged>, BackendError>;

    /// Writes that a destination is suspended, or no longer suspended.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn change_suspension(&self, change: SuspensionChange) -> Result<(), BackendError>;

    /// Reads the suspended destinations, in the order of their names.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn suspensions(&self) -> Result<Vec<Suspension>, BackendError>;
}
