//! A part of a task that several threads wake, and that several tasks poll.

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use crate::{sync::Mutex, waking::Passes};

use super::{Thread, spawn};

/// What others give, so many times, and who waits for that.
#[derive(Default)]
struct Given(Mutex<(u32, Option<Waker>)>);

impl Given {
    fn give(&self) {
        let waker = {
            let mut given = self.0.lock().expect("nobody panics");
            given.0 += 1;
            given.1.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn poll(&self, cx: &Context<'_>, count: u32) -> Poll<()> {
        let mut given = self.0.lock().expect("nobody panics");
        if given.0 == count {
            return Poll::Ready(());
        }
        given.1 = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// However wakes of two threads fall between and into polls, the part is polled after the last.
pub fn a_wake_is_never_lost() {
    let given = Arc::new(Given::default());
    let givers = [0, 1].map(|_| {
        let given = Arc::clone(&given);
        spawn(async move { given.give() })
    });
    let task = spawn(async move {
        let mut passes = Passes::new();
        poll_fn(|cx| passes.poll(cx, |cx| given.poll(cx, 2))).await;
    });
    task.join();
    givers.into_iter().for_each(Thread::join);
}

/// A part, and whether it has ended.
#[derive(Default)]
struct Shared {
    passes: Passes,
    is_over: bool,
}

/// Of two tasks that poll one part in turn, both hear of its end.
pub fn tasks_that_share_a_part_are_both_woken() {
    let given = Arc::new(Given::default());
    let shared = Arc::new(Mutex::new(Shared::default()));
    let tasks = [0, 1].map(|_| {
        let (given, shared) = (Arc::clone(&given), Arc::clone(&shared));
        spawn(async move {
            poll_fn(|cx| {
                let mut shared = shared.lock().expect("nobody panics");
                if shared.is_over {
                    return Poll::Ready(());
                }
                let polled = shared.passes.poll(cx, |cx| given.poll(cx, 2));
                shared.is_over = polled.is_ready();
                polled
            })
            .await;
        })
    });
    let giver = spawn(async move {
        given.give();
        given.give();
    });
    tasks.into_iter().for_each(Thread::join);
    giver.join();
}
