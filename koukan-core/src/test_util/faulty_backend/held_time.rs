//! A paused clock that stands still.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Wake, Waker},
};

use tokio::{sync::oneshot, task::spawn_blocking};

/// Waits for `call`, and has a paused clock of tokio stand still from each `Pending` of it until it
/// wakes its caller.
///
/// The caller need not poll it again soon: the clock goes on all the same.
pub(super) async fn holding_time<F: Future>(call: F) -> F::Output {
    let mut call = pin!(call);
    // Where the call is ready, the waker is dropped, and the hold with it.
    poll_fn(|cx| {
        let waker = Waker::from(Hold::of(cx.waker().clone()));
        call.as_mut().poll(&mut Context::from_waker(&waker))
    })
    .await
}

/// A waker that has the clock stand still until it wakes: a runtime's clock does so while something
/// blocks one of its threads.
struct Hold {
    caller: Waker,
    /// Whoever blocks ends when this is dropped.
    end: Mutex<Option<oneshot::Sender<()>>>,
}

impl Hold {
    /// Holds the clock of the runtime that this is called in.
    fn of(caller: Waker) -> Arc<Self> {
        let (end, ended) = oneshot::channel();
        // Nothing is ever sent.
        spawn_blocking(move || ended.blocking_recv());
        Arc::new(Self {
            caller,
            end: Mutex::new(Some(end)),
        })
    }
}

impl Wake for Hold {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // In this order: the runtime has something to do before the clock may go on.
        self.caller.wake_by_ref();
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        *end = None;
    }
}
