//! How often a request is repeated, and after which pauses.

use std::time::Duration;

use tokio::time::sleep;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(2);

/// A bounded number of pauses, each twice as long as the one before, up to two seconds.
#[derive(Debug, Clone)]
pub(in super::super) struct Backoff {
    left: u32,
    next: Duration,
}

impl Backoff {
    /// That many pauses.
    pub(in super::super) fn new(repetitions: u32) -> Self {
        Self {
            left: repetitions,
            next: FIRST,
        }
    }

    /// The next pause, if there is another one.
    pub(in super::super) fn next(&mut self) -> Option<Duration> {
        self.left = self.left.checked_sub(1)?;
        let pause = self.next;
        self.next = (pause * 2).min(LONGEST);
        Some(pause)
    }

    /// Waits for the next pause; false if there is none left.
    pub(in super::super) async fn pause(&mut self) -> bool {
        match self.next() {
            Some(pause) => {
                sleep(pause).await;
                true
            }
            None => false,
        }
    }
}
