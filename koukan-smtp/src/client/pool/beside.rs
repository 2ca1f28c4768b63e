//! Attempts to connect to several addresses of a host at the same time: [`Beside`].

use std::{
    future::Future,
    sync::atomic::{AtomicUsize, Ordering},
};

use tokio::sync::Notify;

/// Attempts at several addresses of a host. One for which there is no room may wait until another has ended.
///
/// Whoever waits is woken, as long as each attempt ends: somebody else was connecting when it began to wait, and that attempt
/// ends, or waits in turn for another one that is connecting.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// How many are connecting; those that wait are not.
    connecting: AtomicUsize,
    /// Notified when an attempt is over.
    ended: Notify,
}

/// An attempt, until this is dropped.
pub(super) struct Attempt<'a>(&'a Beside);

/// A connection that is being made, until this is dropped.
struct Connecting<'a>(&'a Beside);

impl Beside {
    /// Begins an attempt at one address.
    pub(super) fn begin(&self) -> Attempt<'_> {
        Attempt(self)
    }
}

// === impl Attempt ===

impl Attempt<'_> {
    /// Connects.
    pub(super) async fn connect<T>(&self, connecting: impl Future<Output = T>) -> T {
        let Self(beside) = self;
        beside.connecting.fetch_add(1, Ordering::Relaxed);
        let _connecting = Connecting(beside);
        connecting.await
    }

    /// Waits until another attempt is over; `false` at once if none is connecting.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when it is dropped before it ends.
    pub(super) async fn another_has_ended(&self) -> bool {
        let Self(beside) = self;
        let ended = beside.ended.notified();
        let is_any = beside.connecting.load(Ordering::Relaxed) > 0;
        if is_any {
            ended.await;
        }
        is_any
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        let Self(beside) = self;
        beside.ended.notify_waiters();
    }
}

impl Drop for Connecting<'_> {
    fn drop(&mut self) {
        let Self(beside) = self;
        beside.connecting.fetch_sub(1, Ordering::Relaxed);
    }
}
