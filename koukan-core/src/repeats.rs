//! Limits log lines of events that may occur many times a second: [`Repeats`].

use std::{
    fmt,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

use tokio::{runtime::Handle, time::sleep};

/// Counts an event that repeats. The log has one line for the first event, and then one line for
/// each interval with the number of events.
///
/// It lives in a `static`, one for each kind of event.
///
/// # Example
///
/// ```
/// use std::time::Duration;
///
/// use koukan_core::repeats::Repeats;
///
/// static FULL: Repeats = Repeats::new(Duration::from_secs(10), |times, interval| {
///     tracing::warn!(times, ?interval, "the disk was full");
/// });
///
/// fn is_full(error: &std::io::Error) {
///     if FULL.is_first() {
///         tracing::warn!(%error, "the disk is full");
///     }
/// }
/// ```
pub struct Repeats {
    interval: Duration,
    tell: fn(times: u64, interval: Duration),
    /// Events to be reported at the end of the interval.
    untold: AtomicU64,
    /// Whether an interval is under way.
    is_open: AtomicBool,
}

impl Repeats {
    /// Counts for `interval` after a first event. `tell` logs how many more events there were in
    /// it.
    pub const fn new(interval: Duration, tell: fn(times: u64, interval: Duration)) -> Self {
        Self {
            interval,
            tell,
            untold: AtomicU64::new(0),
            is_open: AtomicBool::new(false),
        }
    }

    /// Notes an event. Returns `true` if the caller is to log it; otherwise it is counted, and
    /// reported at the end of the interval.
    ///
    /// Outside of a tokio runtime every event counts as a first one.
    pub fn is_first(&'static self) -> bool {
        let Ok(runtime) = Handle::try_current() else {
            return true;
        };
        if self.is_open.swap(true, Ordering::AcqRel) {
            self.untold.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        let open = Open(self);
        runtime.spawn(async move { open.run().await });
        true
    }

    /// Reports the count. Returns whether there was anything to report.
    fn tell(&self) -> bool {
        let times = self.untold.swap(0, Ordering::Relaxed);
        if times > 0 {
            (self.tell)(times, self.interval);
        }
        times > 0
    }
}

impl fmt::Debug for Repeats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repeats")
            .field("interval", &self.interval)
            .field("untold", &self.untold)
            .finish_non_exhaustive()
    }
}

/// The intervals after a first event, up to one without events.
struct Open(&'static Repeats);

impl Open {
    async fn run(self) {
        loop {
            sleep(self.0.interval).await;
            if !self.0.tell() {
                return;
            }
        }
    }
}

impl Drop for Open {
    /// Also when the runtime ends: every counted event is reported.
    fn drop(&mut self) {
        self.0.tell();
        self.0.is_open.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_first_is_told_by_itself_and_the_others_by_their_number() {
        static TOLD: Mutex<Vec<u64>> = Mutex::new(Vec::new());
        static EVENTS: Repeats = Repeats::new(Duration::from_secs(10), |times, _| {
            TOLD.lock().unwrap().push(times);
        });
        let firsts = (0..1000).filter(|_| EVENTS.is_first()).count();
        assert_eq!(firsts, 1);
        assert!(TOLD.lock().unwrap().is_empty());
        sleep(Duration::from_secs(11)).await;
        assert_eq!(*TOLD.lock().unwrap(), [999]);
        assert!(!EVENTS.is_first());
        sleep(Duration::from_secs(30)).await;
        assert_eq!(*TOLD.lock().unwrap(), [999, 1]);
        assert!(EVENTS.is_first());
    }

    #[test]
    fn what_was_counted_is_told_when_the_runtime_ends_and_the_next_begins_anew() {
        static TOLD: Mutex<Vec<u64>> = Mutex::new(Vec::new());
        static EVENTS: Repeats = Repeats::new(Duration::from_secs(10), |times, _| {
            TOLD.lock().unwrap().push(times);
        });
        for _ in 0..2 {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build()
                .unwrap();
            let firsts = runtime.block_on(async { (0..3).filter(|_| EVENTS.is_first()).count() });
            assert_eq!(firsts, 1);
        }
        assert_eq!(*TOLD.lock().unwrap(), [2, 2]);
        assert!(EVENTS.is_first(), "there is no runtime");
    }
}
