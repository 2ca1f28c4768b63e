//! Waits until everything else in a test has run as far as it can.

use std::time::Duration;

use tokio::time::{advance, sleep};

/// Waits until no task of this runtime can go on unless time passes or the test does something.
///
/// Paused time moves only when every task waits, so this returns exactly when that is so. Timers
/// that are due within a millisecond may have run.
///
/// If a test can name what it waits for, it should wait for that. This is for showing that
/// something does *not* happen, and for letting a peer run as far as it can.
///
/// # Panics
///
/// If time is not paused: then nothing tells how long to wait.
pub async fn at_rest() {
    // Panics if time goes on by itself.
    advance(Duration::ZERO).await;
    sleep(Duration::from_millis(1)).await;
}
