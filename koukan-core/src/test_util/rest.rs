//! Waiting until everything else in a test has done what it can.

use std::time::Duration;

use tokio::time::{advance, sleep};

/// Waits until no task of this runtime can go on, unless time passes or the test does something.
///
/// Paused time moves only when every task waits, so this ends as soon as that is so, and not
/// before: nothing is hoped for. Timers that are due within a millisecond may have run.
///
/// Where a test can say what it waits for, it waits for that. This is for showing that something
/// does *not* happen, and for letting a peer go as far as it can.
///
/// # Panics
///
/// Where time is not paused: then nobody could tell how long to wait.
pub async fn at_rest() {
    // Panics where time goes on by itself.
    advance(Duration::ZERO).await;
    sleep(Duration::from_millis(1)).await;
}
