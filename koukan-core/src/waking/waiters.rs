//! Tasks that wait for the same thing.

use std::task::Waker;

/// The wakers of waiting tasks; nearly always one, which needs no allocation.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    first: Option<Waker>,
    others: Option<Box<Others>>,
}

type Others = Vec<Waker>;

impl Waiters {
    /// Adds a task, unless it is there already.
    #[inline]
    pub(crate) fn add(&mut self, waker: &Waker) {
        match &self.first {
            None => self.first = Some(waker.clone()),
            Some(first) if first.will_wake(waker) => {}
            Some(_) => self.add_other(waker),
        }
    }

    #[cold]
    fn add_other(&mut self, waker: &Waker) {
        let others = self.others.get_or_insert_default();
        if !others.iter().any(|other| other.will_wake(waker)) {
            others.push(waker.clone());
        }
    }

    /// Removes a task if it is the first one, as it is if it is the only one. Drop the result after all
    /// locks are released.
    #[inline]
    pub(crate) fn remove_first(&mut self, waker: &Waker) -> Option<Waker> {
        self.first.take_if(|first| first.will_wake(waker))
    }

    /// Removes all tasks but that one. Drop the result after all locks are released.
    #[inline]
    pub(crate) fn take_all_but(&mut self, waker: &Waker) -> Self {
        let is_first = { &self.first }
            .as_ref()
            .is_some_and(|first| first.will_wake(waker));
        let first = match is_first {
            true => None,
            false => self.first.take(),
        };
        Self {
            first,
            others: self.others.take(),
        }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none() && self.others.is_none()
    }

    /// Removes all of them, to be woken after all locks are released.
    #[inline]
    pub(crate) fn take(&mut self) -> Self {
        Self {
            first: self.first.take(),
            others: self.others.take(),
        }
    }

    /// Wakes all.
    #[inline]
    pub(crate) fn wake(self) {
        if let Some(first) = self.first {
            first.wake();
        }
        if let Some(others) = self.others {
            wake_others(*others);
        }
    }
}

/// Keeps the waker of the only waiting task. Returns another one that was there. Drop it after all locks
/// are released, since its code is not known here.
#[inline]
#[must_use]
pub(crate) fn keep(kept: &mut Option<Waker>, waker: &Waker) -> Option<Waker> {
    match kept {
        Some(own) if own.will_wake(waker) => None,
        _ => kept.replace(waker.clone()),
    }
}

#[cold]
fn wake_others(others: Others) {
    others.into_iter().for_each(Waker::wake);
}
