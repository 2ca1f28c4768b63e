//! Leases of transactions that wait for a suspended destination, and may do so for too long.

use jiff::Timestamp;

use super::{
    BackendError, Lease, ListCursor, Listing, QueueState, Search, Storage,
    page::Page,
    record::{SchedulingKey, Status, StoredTransaction, TransactionId, Work},
};

/// How many are read at a time.
const LISTED: usize = 200;

impl Storage {
    /// Transactions that wait for this suspended destination and were created before that time, some at a time: those
    /// before a position in the list. They are only read. Without those that are held, and those of which not all goes to
    /// a suspended destination. Also returns where to go on.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    pub(crate) async fn overdue(
        &self,
        host: &str,
        until: Timestamp,
        before: Option<ListCursor>,
    ) -> Result<(Vec<StoredTransaction>, Option<ListCursor>), BackendError> {
        let listing = Listing {
            sender: None,
            state: Some(QueueState::Waiting),
            search: Search {
                destination: Some(host.into()),
                until: Some(until),
                ..Search::default()
            },
            before,
            limit: LISTED,
        };
        let Page {
            mut transactions,
            next,
        } = self.page(listing).await?;
        transactions.retain(|stored| self.waits_suspended(stored));
        Ok((transactions, next))
    }

    fn waits_suspended(&self, stored: &StoredTransaction) -> bool {
        let (context, recipients) = (&stored.context, &stored.recipients);
        let is_attempt = matches!(&stored.status, Status::Due(due) if due.work == Work::Attempt);
        let key = || SchedulingKey::of(context, recipients);
        is_attempt
            && stored.held.is_none()
            && self.is_suspended(key().only_host(context, recipients))
    }

    /// Leases such a transaction, to end it if its time is over. `None` if there is nothing to end: it is held by now, its
    /// destination is not suspended any more, or others have it.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    pub(crate) async fn lease_overdue(
        &self,
        id: TransactionId,
    ) -> Result<Option<Lease>, BackendError> {
        // Others may have resumed it.
        self.catch_up().await?;
        let session = self.0.presence.leasing()?;
        // No work is named: for an attempt it would not be leased.
        let leased = self.backend().lease(id, session, None).await?;
        let Some(mut lease) = leased.and_then(|leased| self.give_out(leased, session)) else {
            return Ok(None);
        };
        lease.is_overdue = true;
        if lease.is_suspended() && !lease.is_held() {
            return Ok(Some(lease));
        }
        lease.give_back().await;
        Ok(None)
    }
}

impl Lease {
    /// Whether no attempt may be made, since the destination of all of it is suspended.
    pub(crate) fn is_suspended(&self) -> bool {
        if !self.storage.is_any_suspended() || !self.is_stored() || self.work() != Work::Attempt {
            return false;
        }
        let (context, recipients) = (self.context(), self.recipients());
        let key = SchedulingKey::of(context, &recipients);
        self.storage
            .is_suspended(key.only_host(context, &recipients))
    }

    /// Whether it was leased only to be ended if its time is over: no attempt may be made.
    pub(crate) fn is_overdue(&self) -> bool {
        self.is_overdue
    }

    fn is_held(&self) -> bool {
        self.live.lock().held.is_some()
    }
}
