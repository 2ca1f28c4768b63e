//! A bounded queue from one producer to one consumer. It ends either cleanly or with an abort.

use std::{
    collections::VecDeque,
    mem,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use crate::{
    failure::Aborted,
    sync::{Mutex, MutexGuard, PoisonError},
    waking::{Waiters, keep},
};

/// The room that is allocated for further items when a second one comes.
const OTHERS: usize = 8;

/// Makes a queue that holds at most `capacity` items.
pub(crate) fn pipe<T: Send + 'static>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    ends(Arc::new(Queue::new(capacity)))
}

/// The two ends of a queue that has no ends so far.
pub(crate) fn ends<T>(home: Arc<dyn Home<T>>) -> (Sender<T>, Receiver<T>) {
    (Sender(Arc::clone(&home)), Receiver(home))
}

/// A queue on its own, or as a part of a larger allocation.
pub(crate) struct Queue<T>(Mutex<State<T>>);

/// The owner of a queue. While the queue has ends, its items may keep the owner alive; so the
/// consumer's end drops the items that were not taken.
pub(crate) trait Home<T>: Send + Sync {
    fn queue(&self) -> &Queue<T>;
}

/// The producer's end; dropping it without [`Sender::finish`] is an abort.
pub(crate) struct Sender<T>(Arc<dyn Home<T>>);

/// The consumer's end.
pub(crate) struct Receiver<T>(Arc<dyn Home<T>>);

/// The consumer was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unreceived;

struct State<T> {
    /// The next item, stored inline: most queues never hold more than one.
    first: Option<T>,
    others: VecDeque<T>,
    capacity: usize,
    /// How the producer ended, once it has: `Ok` is the clean end.
    end: Option<Result<(), Aborted>>,
    /// Tasks that wait for room; several tasks may use the producer's end in turn.
    senders: Waiters,
    receiver: Option<Waker>,
    is_received: bool,
}

impl<T> State<T> {
    fn len(&self) -> usize {
        self.others.len() + usize::from(self.first.is_some())
    }

    fn push(&mut self, item: T) {
        if self.first.is_none() && self.others.is_empty() {
            self.first = Some(item);
        } else {
            if self.others.is_empty() {
                self.others.reserve(self.capacity.min(OTHERS));
            }
            self.others.push_back(item);
        }
    }

    fn pop(&mut self) -> Option<T> {
        self.first.take().or_else(|| self.others.pop_front())
    }
}

impl<T> Queue<T> {
    /// Holds at most `capacity` items.
    pub(crate) fn new(capacity: usize) -> Self {
        Self(Mutex::new(State {
            first: None,
            others: VecDeque::new(),
            capacity,
            end: None,
            senders: Waiters::default(),
            receiver: None,
            is_received: true,
        }))
    }
}

impl<T: Send> Home<T> for Queue<T> {
    fn queue(&self) -> &Queue<T> {
        self
    }
}

fn lock<T>(home: &Arc<dyn Home<T>>) -> MutexGuard<'_, State<T>> {
    let Queue(state) = home.queue();
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl Sender ===

impl<T> Sender<T> {
    /// Ready when there is room for an item, or nobody will take one any more.
    pub(crate) fn poll_ready(&self, cx: &Context<'_>) -> Poll<Result<(), Unreceived>> {
        let mut state = lock(&self.0);
        if !state.is_received {
            return Poll::Ready(Err(Unreceived));
        }
        if state.len() < state.capacity {
            return Poll::Ready(Ok(()));
        }
        state.senders.add(cx.waker());
        Poll::Pending
    }

    /// Adds an item. The caller has seen [`Sender::poll_ready`].
    pub(crate) fn send(&self, item: T) -> Result<(), Unreceived> {
        let mut state = lock(&self.0);
        if !state.is_received {
            return Err(Unreceived);
        }
        debug_assert!(state.len() < state.capacity, "poll_ready was skipped");
        state.push(item);
        wake_receiver(state);
        Ok(())
    }

    /// As [`Sender::send`], for a caller that polls the consumer's task right afterwards: the waker
    /// `own` is not woken.
    pub(crate) fn send_beside(&self, item: T, own: &Waker) -> Result<(), Unreceived> {
        let mut state = lock(&self.0);
        if !state.is_received {
            drop(state);
            return Err(Unreceived);
        }
        debug_assert!(state.len() < state.capacity, "poll_ready was skipped");
        state.push(item);
        wake_receiver_beside(state, own);
        Ok(())
    }

    /// Ends the queue cleanly.
    pub(crate) fn finish(self) {
        let mut state = lock(&self.0);
        state.end = Some(Ok(()));
        wake_receiver(state);
    }

    /// As [`Sender::finish`], for a caller that polls the consumer's task right afterwards: the
    /// waker `own` is not woken.
    pub(crate) fn finish_beside(self, own: &Waker) {
        let mut state = lock(&self.0);
        state.end = Some(Ok(()));
        wake_receiver_beside(state, own);
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let mut state = lock(&self.0);
        if state.end.is_some() {
            return;
        }
        state.end = Some(Err(Aborted));
        wake_receiver(state);
    }
}

// === impl Receiver ===

impl<T> Receiver<T> {
    /// The next item; `None` only after the clean end. An abort overtakes queued items.
    pub(crate) fn poll_next(&mut self, cx: &Context<'_>) -> Poll<Option<Result<T, Aborted>>> {
        let mut state = lock(&self.0);
        if state.end == Some(Err(Aborted)) {
            return Poll::Ready(Some(Err(Aborted)));
        }
        if let Some(item) = state.pop() {
            wake_senders(state);
            return Poll::Ready(Some(Ok(item)));
        }
        if state.end.is_some() {
            return Poll::Ready(None);
        }
        let before = keep(&mut state.receiver, cx.waker());
        drop(state);
        drop(before);
        Poll::Pending
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let mut state = lock(&self.0);
        state.is_received = false;
        let waker = state.receiver.take();
        let queued = (waker, state.first.take(), mem::take(&mut state.others));
        wake_senders(state);
        drop(queued);
    }
}

/// Wakes the consumer, after the lock is released.
fn wake_receiver<T>(mut state: MutexGuard<'_, State<T>>) {
    let receiver = state.receiver.take();
    drop(state);
    if let Some(receiver) = receiver {
        receiver.wake();
    }
}

fn wake_receiver_beside<T>(state: MutexGuard<'_, State<T>>, own: &Waker) {
    let is_own = |receiver: &Waker| receiver.will_wake(own);
    if !state.receiver.as_ref().is_some_and(is_own) {
        wake_receiver(state);
    }
}

/// Wakes the tasks that wait for room, after the lock is released.
fn wake_senders<T>(mut state: MutexGuard<'_, State<T>>) {
    if state.senders.is_empty() {
        return;
    }
    let senders = state.senders.take();
    drop(state);
    senders.wake();
}
