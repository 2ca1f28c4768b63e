//! tokio's runtime as one of the threads of a play.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    runtime::{Builder, EnterGuard, Runtime},
    time::{sleep, timeout},
};

use super::Thread;

/// Runs `play` beside a thread in which tokio's tasks run and paused time passes; then `after`, when
/// all threads of the play have ended.
///
/// Tasks come between the play's threads at every lock that they take; among themselves they take
/// turns where they wait.
pub(super) fn beside_executor<T>(play: impl FnOnce() -> T, after: impl AsyncFnOnce(T)) {
    let runtime = Arc::new(runtime());
    let is_over = Arc::new(AtomicBool::new(false));
    let result = {
        let _entered: EnterGuard<'_> = runtime.enter();
        let executor = {
            let (runtime, is_over) = (Arc::clone(&runtime), Arc::clone(&is_over));
            Thread(shuttle::thread::spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    // Polls what can go on, then lets a millisecond pass.
                    runtime.block_on(sleep(Duration::from_millis(1)));
                    shuttle::thread::yield_now();
                }
            }))
        };
        let result = play();
        is_over.store(true, Ordering::Relaxed);
        executor.join();
        result
    };
    // Time passes when nothing else happens, so this ends at once where nothing will.
    let ended = runtime.block_on(async { timeout(Duration::from_secs(60), after(result)).await });
    ended.expect("what comes after the play has no end");
}

/// A runtime that nothing drives: its timers never fire.
pub(super) fn runtime() -> Runtime {
    let mut builder = Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build();
    runtime.expect("a runtime without I/O needs nothing of the system")
}
