//! What is committed with the end of an attempt.

use std::{
    any::Any,
    mem,
    sync::{Arc, Weak},
};

use super::{Departure, Orders};

/// Something that an attempt holds until its end is written. If it is dropped before, it undoes itself.
pub(crate) type Kept = Box<dyn Any + Send>;

impl Departure {
    /// Whoever gives the orders of this attempt, if that is a `T`. `None` where the message leaves for others as well.
    pub(crate) fn orders_by<T: Orders>(&self) -> Option<Arc<T>> {
        if self.lock().sharers.is_some() {
            return None;
        }
        let orders = self.orders.as_ref().and_then(Weak::upgrade)?;
        let orders: Arc<dyn Any + Send + Sync> = orders;
        orders.downcast().ok()
    }

    /// Holds something until the attempt takes it out.
    ///
    /// # Errors
    ///
    /// The same, where the attempt has ended.
    pub(crate) fn keep(&self, kept: Kept) -> Result<(), Kept> {
        let mut state = self.lock();
        if state.is_closed {
            return Err(kept);
        }
        state.kept.push(kept);
        Ok(())
    }

    /// Takes out what was kept. Nothing is kept any more.
    pub(crate) fn take_kept(&self) -> Vec<Kept> {
        let mut state = self.lock();
        state.is_closed = true;
        mem::take(&mut state.kept)
    }
}
