//! Who is asked before a message leaves.

use std::{any::Any, sync::Weak, task::Context};

use super::{Departure, Gone};

/// What an attempt may have been told.
///
/// This is read right before a message leaves, since the thread that sends it may not be the one that ends the
/// attempt, and the process may have stood still.
pub(crate) trait Orders: Any + Send + Sync {
    /// Whether the attempt must end if this has become of its message.
    fn must_end(&self, gone: Gone) -> bool;

    /// As [`Orders::must_end`]. The task is woken when there may be another answer.
    fn poll_must_end(&self, cx: &Context<'_>, gone: Gone) -> bool;

    /// Whether the transaction is to be cancelled.
    fn is_cancelled(&self) -> bool;

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
        let gone = self.gone();
        // Another thread may have sent it meanwhile.
        if !self.must_end(gone) || !self.end_at(gone) {
            return false;
        }
        if let Some(orders) = self.orders.as_ref().and_then(Weak::upgrade) {
            orders.wake();
        }
        true
    }

    /// Whether the attempt must end if this has become of its message.
    pub(super) fn must_end(&self, gone: Gone) -> bool {
        self.is_ordered_to_end(|orders| orders.must_end(gone)) || self.must_end_with_whole(gone)
    }

    /// Whether its own orders say so. The attempt ends with whoever gives them.
    pub(super) fn is_ordered_to_end(&self, say_so: impl FnOnce(&dyn Orders) -> bool) -> bool {
        let orders = self.orders.as_ref().map(Weak::upgrade);
        orders.is_some_and(|orders| orders.is_none_or(|orders| say_so(&*orders)))
    }

    /// Whether attempts may have lost their leases while the process stood still.
    pub(crate) fn is_overdue(&self) -> bool {
        let orders = self.orders.as_ref().and_then(Weak::upgrade);
        let whole = self.whole.as_ref();
        orders.is_some_and(|orders| orders.is_overdue())
            || whole.is_some_and(|whole| whole.is_overdue())
    }
}
