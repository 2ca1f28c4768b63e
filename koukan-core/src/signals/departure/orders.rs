//! Who is asked before a message leaves.

use super::{Departure, Gone};

/// What an attempt may have been told.
///
/// This is read right before a message leaves, since the thread that sends it may not be the one that ends the
/// attempt, and the process may have stood still.
pub(crate) trait Orders: Send + Sync {
    /// Whether the attempt must end if this has become of its message.
    fn must_end(&self, gone: Gone) -> bool;

    /// Whether attempts may have lost their leases, by the clock alone. Nobody need have told them.
    fn is_overdue(&self) -> bool;

    /// Wakes the attempt, which must end.
    fn wake(&self);
}

/// Those for whom one message leaves.
pub(crate) trait Sharers: Send + Sync {
    /// As [`Departure::may_go`], asked of all that take part in a run.
    fn may_go(&self, run: usize) -> bool;
}

impl Departure {
    /// Whether the attempt must end, and is woken for that. If its message has not left, it never does.
    ///
    /// To be called without a lock held.
    pub(crate) fn heed(&self) -> bool {
        let Some(orders) = &self.orders else {
            return false;
        };
        let gone = self.gone();
        // The attempt ends with whoever gives the orders.
        let orders = orders.upgrade();
        let must_end = orders.as_ref().is_none_or(|orders| orders.must_end(gone));
        // Another thread may have sent it meanwhile.
        if !must_end || !self.end_at(gone) {
            return false;
        }
        if let Some(orders) = orders {
            orders.wake();
        }
        true
    }

    /// Whether attempts may have lost their leases while the process stood still.
    pub(crate) fn is_overdue(&self) -> bool {
        let orders = self.orders.as_ref().and_then(|orders| orders.upgrade());
        orders.is_some_and(|orders| orders.is_overdue())
    }
}
