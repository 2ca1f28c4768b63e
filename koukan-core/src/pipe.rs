//! A bounded queue from one producer to one consumer whose end is either clean or an abort.

use std::{
    collections::VecDeque,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use crate::{
    failure::Aborted,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Makes a queue that holds at most `capacity` items.
pub(crate) fn pipe<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let shared = Arc::new(Mutex::new(State {
        queue: VecDeque::new(),
        capacity,
        end: None,
        sender: None,
        receiver: None,
        is_received: true,
    }));
    (Sender(Arc::clone(&shared)), Receiver(shared))
}

/// The producer's end; dropping it without [`Sender::finish`] is an abort.
pub(crate) struct Sender<T>(Arc<Mutex<State<T>>>);

/// The consumer's end.
pub(crate) struct Receiver<T>(Arc<Mutex<State<T>>>);

/// The consumer is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unreceived;

struct State<T> {
    queue: VecDeque<T>,
    capacity: usize,
    /// How the producer ended, once it has: `Ok` is the clean end.
    end: Option<Result<(), Aborted>>,
    sender: Option<Waker>,
    receiver: Option<Waker>,
    is_received: bool,
}

impl<T> State<T> {
    /// Whoever waits for items, unless `poller` is the same.
    fn receiver_but(&mut self, poller: Option<&Waker>) -> Option<Waker> {
        self.receiver
            .take_if(|receiver| !poller.is_some_and(|poller| receiver.will_wake(poller)))
    }
}

fn lock<T>(shared: &Mutex<State<T>>) -> MutexGuard<'_, State<T>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl Sender ===

impl<T> Sender<T> {
    /// Ready when there is room for an item, or nobody will take one any more.
    pub(crate) fn poll_ready(&self, cx: &Context<'_>) -> Poll<Result<(), Unreceived>> {
        let mut state = lock(&self.0);
        if !state.is_received {
            return Poll::Ready(Err(Unreceived));
        }
        if state.queue.len() < state.capacity {
            return Poll::Ready(Ok(()));
        }
        keep(&mut state.sender, cx);
        Poll::Pending
    }

    /// Adds an item; the caller has seen [`Sender::poll_ready`].
    ///
    /// The consumer is woken, unless `poller` would do that: whoever polls the consumer anyway.
    pub(crate) fn send(&self, item: T, poller: Option<&Waker>) -> Result<(), Unreceived> {
        let mut state = lock(&self.0);
        if !state.is_received {
            return Err(Unreceived);
        }
        debug_assert!(state.queue.len() < state.capacity, "poll_ready was skipped");
        state.queue.push_back(item);
        wake(state, |state| state.receiver_but(poller));
        Ok(())
    }

    /// Ends the queue cleanly; wakes as [`Sender::send`] does.
    pub(crate) fn finish(self, poller: Option<&Waker>) {
        let mut state = lock(&self.0);
        state.end = Some(Ok(()));
        wake(state, |state| state.receiver_but(poller));
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let mut state = lock(&self.0);
        if state.end.is_some() {
            return;
        }
        state.end = Some(Err(Aborted));
        wake(state, |state| state.receiver.take());
    }
}

// === impl Receiver ===

impl<T> Receiver<T> {
    /// The next item; `None` after the clean end only. An abort overtakes what is queued.
    pub(crate) fn poll_next(&mut self, cx: &Context<'_>) -> Poll<Option<Result<T, Aborted>>> {
        let mut state = lock(&self.0);
        if state.end == Some(Err(Aborted)) {
            return Poll::Ready(Some(Err(Aborted)));
        }
        if let Some(item) = state.queue.pop_front() {
            wake(state, |state| state.sender.take());
            return Poll::Ready(Some(Ok(item)));
        }
        if state.end.is_some() {
            return Poll::Ready(None);
        }
        keep(&mut state.receiver, cx);
        Poll::Pending
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let mut state = lock(&self.0);
        state.is_received = false;
        let queue = std::mem::take(&mut state.queue);
        wake(state, |state| state.sender.take());
        drop(queue);
    }
}

fn keep(waker: &mut Option<Waker>, cx: &Context<'_>) {
    match waker {
        Some(waker) => waker.clone_from(cx.waker()),
        None => *waker = Some(cx.waker().clone()),
    }
}

/// Wakes the other side after the lock is released.
fn wake<T>(
    mut state: MutexGuard<'_, State<T>>,
    which: impl FnOnce(&mut State<T>) -> Option<Waker>,
) {
    let waker = which(&mut state);
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}
