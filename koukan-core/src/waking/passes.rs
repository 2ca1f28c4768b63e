//! Polls a part of a task when it was woken, and as often.

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};

use tokio::task::coop::poll_proceed;

use crate::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU32, Ordering},
};

use super::Waiters;

/// The maximum number of passes within one poll of the task: a part that wakes itself forever must
/// not keep the thread from other tasks.
const PASSES_MAX: u32 = 8;

/// Nobody polls the part, and it was not woken since its last poll.
const ASLEEP: u32 = 0;
/// It was woken, and the next poll is still to come.
const NOTED: u32 = 1;
/// It is being polled.
const POLLED: u32 = 2;
/// A task polls it right after, although it was not woken.
const DUE: u32 = 4;

/// The waker of one part of a task, and the polls of that part; see the [module
/// documentation](super).
///
/// The part sees this waker instead of the task's.
///
/// # Example
///
/// ```
/// use std::{future::poll_fn, task::Poll};
/// use koukan_core::waking::Passes;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let mut passes = Passes::new();
/// let mut polls = 0;
/// let count = poll_fn(|cx| {
///     passes.poll(cx, |cx| {
///         polls += 1;
///         // A part that gives something to itself is polled again at once.
///         cx.waker().wake_by_ref();
///         if polls == 3 { Poll::Ready(polls) } else { Poll::Pending }
///     })
/// });
/// assert_eq!(count.await, 3);
/// # });
/// ```
pub struct Passes {
    notes: Arc<Notes>,
    /// Wakes through `notes`; made once.
    waker: Waker,
}

/// The state that the wakers of a part share; a [`Passes`] has one of its own.
pub(crate) struct Notes {
    /// [`ASLEEP`], or [`NOTED`], [`POLLED`] and [`DUE`] in any combination.
    state: AtomicU32,
    /// The tasks that are woken when the part is woken while asleep.
    tasks: Mutex<Waiters>,
}

impl Passes {
    /// For a part that was not polled yet, and so must be.
    pub fn new() -> Self {
        let notes = Arc::new(Notes::new());
        let waker = Waker::from(Arc::clone(&notes));
        Self { notes, waker }
    }

    /// Polls the part if it was woken since the last time, and again until it was not woken during
    /// its poll. If it was woken too often, or the task has used up tokio's cooperative budget, the
    /// task is woken and the rest is left to its next poll.
    ///
    /// Each pass after the first is charged to that budget, so that the limit also holds for nested
    /// parts. The tasks of all `cx` that were given are woken when the part is.
    pub fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        part: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.notes.poll(&self.waker, cx, part)
    }

    /// As [`Passes::poll`], for one of several tasks that poll the part in turn: from now on only this task
    /// is woken when the part is. If `is_due`, the part is polled although it was not woken; at each poll the
    /// part is told whether it was.
    pub(crate) fn poll_alone<T>(
        &mut self,
        cx: &mut Context<'_>,
        is_due: bool,
        part: impl FnMut(bool, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        if is_due {
            self.notes.state.fetch_or(DUE, Ordering::AcqRel);
        }
        self.notes.leave_only(cx.waker());
        self.notes.poll_noted(&self.waker, cx, part)
    }
}

impl Notes {
    /// For a part that was not polled yet, and so must be.
    pub(crate) fn new() -> Self {
        Self {
            state: AtomicU32::new(NOTED),
            tasks: Mutex::default(),
        }
    }

    /// Notes that the part must be polled, without waking a task: for a caller that gives it something
    /// and polls it right after.
    pub(crate) fn expect(&self) {
        self.state.fetch_or(NOTED, Ordering::AcqRel);
    }

    /// As [`Passes::poll`]; `own` is a waker that [notes](Notes::note) here. Only one task at a time
    /// may poll.
    pub(crate) fn poll<T>(
        &self,
        own: &Waker,
        cx: &mut Context<'_>,
        mut part: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.poll_noted(own, cx, |_, cx| part(cx))
    }

    /// As [`Notes::poll`]; the part is told whether something was noted for that poll.
    fn poll_noted<T>(
        &self,
        own: &Waker,
        cx: &mut Context<'_>,
        mut part: impl FnMut(bool, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        if self.sleeps() && self.wait(cx.waker()) {
            return Poll::Pending;
        }
        for _ in 0..PASSES_MAX {
            let is_noted = self.begin();
            if let Poll::Ready(result) = part(is_noted, &mut Context::from_waker(own)) {
                // The other tasks were woken before this poll.
                self.end();
                return Poll::Ready(result);
            }
            if self.fall_asleep() && self.wait(cx.waker()) {
                return Poll::Pending;
            }
            match poll_proceed(cx) {
                Poll::Ready(charge) => charge.made_progress(),
                Poll::Pending => break,
            }
        }
        self.lock().add(cx.waker());
        self.end();
        self.wake_tasks();
        Poll::Pending
    }

    /// The part was woken.
    pub(crate) fn note(&self) {
        if self.state.fetch_or(NOTED, Ordering::AcqRel) == ASLEEP {
            self.wake_tasks();
        }
    }

    /// Only this task is woken from now on.
    fn leave_only(&self, task: &Waker) {
        let others = self.lock().take_all_but(task);
        // After the lock is released.
        drop(others);
    }

    fn sleeps(&self) -> bool {
        self.state.load(Ordering::Acquire) == ASLEEP
    }

    /// A poll begins, and takes care of what was noted. Returns whether something was.
    fn begin(&self) -> bool {
        self.state.swap(POLLED, Ordering::AcqRel) & NOTED != 0
    }

    /// A poll has ended; `false` if something was noted since it began.
    fn fall_asleep(&self) -> bool {
        let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
        let slept = self
            .state
            .compare_exchange(POLLED, ASLEEP, success, failure);
        slept.is_ok()
    }

    /// Registers the task to be woken with the part; `false` if the part was woken before the task
    /// was registered.
    ///
    /// The waking side first changes the state and then looks for tasks; this does the opposite, so
    /// one sees the other.
    fn wait(&self, task: &Waker) -> bool {
        self.lock().add(task);
        self.sleeps()
    }

    /// No further pass is made now; the next poll, by whatever task, continues.
    fn end(&self) {
        self.state.swap(NOTED, Ordering::AcqRel);
    }

    fn wake_tasks(&self) {
        let tasks = self.lock().take();
        tasks.wake();
    }

    fn lock(&self) -> MutexGuard<'_, Waiters> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Notes {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.note();
    }
}

impl Default for Passes {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Passes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passes").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Wakes its waker when it is dropped.
    struct Dropped(Waker);

    impl Wake for Dropped {
        fn wake(self: Arc<Self>) {}
    }

    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.wake_by_ref();
        }
    }

    #[test]
    fn what_is_woken_when_it_is_to_be_polled_in_any_case_is_told_so() {
        let mut passes = Passes::new();
        let mut woken = Vec::new();
        let other = Waker::from(Arc::new(Dropped(passes.waker.clone())));
        let mut poll = |waker: &Waker, is_due| {
            passes.poll_alone(&mut Context::from_waker(waker), is_due, |is_woken, _| {
                woken.push(is_woken);
                Poll::<()>::Pending
            })
        };
        // The very first poll.
        assert!(poll(&other, false).is_pending());
        assert!(poll(&other, false).is_pending());
        assert!(poll(&other, true).is_pending());
        drop(other);
        // It is woken after it was found to be due, and before it is polled.
        assert!(poll(Waker::noop(), true).is_pending());
        assert!(poll(Waker::noop(), true).is_pending());
        assert_eq!(woken, [true, false, true, false]);
    }
}
