//! A paused clock that stands still.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Wake, Waker},
};

use tokio::{sync::oneshot, task::spawn_blocking};

/// Awaits `call`, and stops tokio's paused clock from each `Pending` of it until it wakes its
/// caller.
///
/// Even if the caller does not poll it again soon, the clock then goes on.
pub(super) async fn holding_time<F: Future>(call: F) -> F::Output {
    let mut call = pin!(call);
    // When the call is ready the waker is dropped, and with it the hold.
    poll_fn(|cx| {
        let waker = Waker::from(Hold::of(cx.waker().clone()));
        call.as_mut().poll(&mut Context::from_waker(&waker))
    })
    .await
}

/// A waker that stops the clock until it wakes: a runtime's clock stands still while something
/// blocks one of its threads.
struct Hold {
    caller: Waker,
    /// The blocking task ends when this is dropped.
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
        // In this order: the runtime has work before the clock may go on.
        self.caller.wake_by_ref();
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        *end = None;
    }
}
