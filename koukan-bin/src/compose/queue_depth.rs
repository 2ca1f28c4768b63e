//! The depth of the queue, for Prometheus.

use std::{future::pending, time::Duration};

use jiff::Timestamp;
use koukan_core::{
    causes::Causes,
    storage::{QueueDepth, Storage},
};
use metrics::{Gauge, Key, KeyName, Label, Level, Metadata, Recorder};
use tokio::time::{Instant, sleep};

/// The name of the metric: queued transactions, by state.
const TRANSACTIONS: &str = "koukan_queue_transactions";
/// The name of the metric: for how long the oldest transaction has been due.
const OLDEST: &str = "koukan_queue_oldest_due_seconds";

/// How often to count; counting may take this share of the time at most.
const PACE: Duration = Duration::from_secs(10);
const PART: u32 = 20;
/// The longest pause between counts, however long the last one took: a database that was slow may
/// be fast again.
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);

/// The gauges for the depth of the queue. Before the first count they are not a number (NaN).
#[derive(Clone)]
pub(crate) struct DepthGauges {
    /// Due, later, active, held.
    states: [Gauge; 4],
    oldest: Gauge,
}

impl DepthGauges {
    pub(super) fn new(recorder: &impl Recorder) -> Self {
        let metadata = Metadata::new(module_path!(), Level::INFO, Some(module_path!()));
        let text = "Transactions in the queue, of all replicas together.";
        recorder.describe_gauge(KeyName::from_const_str(TRANSACTIONS), None, text.into());
        let text = "Seconds since the oldest due transaction became due.";
        recorder.describe_gauge(KeyName::from_const_str(OLDEST), None, text.into());
        let states = ["due", "later", "active", "held"].map(|state| {
            let key = Key::from_parts(TRANSACTIONS, vec![Label::new("state", state)]);
            recorder.register_gauge(&key, &metadata)
        });
        let oldest = recorder.register_gauge(&Key::from_static_name(OLDEST), &metadata);
        for gauge in states.iter().chain([&oldest]) {
            gauge.set(f64::NAN);
        }
        Self { states, oldest }
    }

    /// Counts repeatedly; never ends.
    pub(crate) async fn follow(self, storage: Storage) {
        loop {
            let (begun, now) = (Instant::now(), storage.clock().now());
            let pause = match storage.backend().depth(now).await {
                Ok(Some(depth)) => {
                    self.show(depth, now);
                    pause_after(begun.elapsed())
                }
                Ok(None) => return pending().await,
                // Readiness reports the trouble. A count that failed has cost nothing.
                Err(error) => {
                    tracing::debug!(error = %Causes(&error), "cannot count what is queued");
                    PACE
                }
            };
            sleep(pause).await;
        }
    }

    fn show(&self, depth: QueueDepth, now: Timestamp) {
        let counts = [depth.due, depth.later, depth.active, depth.held];
        for (gauge, count) in self.states.iter().zip(counts) {
            #[allow(clippy::cast_precision_loss, reason = "so many there are not")]
            gauge.set(count as f64);
        }
        let since = depth.oldest_due.map(|since| now.duration_since(since));
        let seconds = since.map_or(0.0, |since| since.as_secs_f64());
        self.oldest.set(seconds.max(0.0));
    }
}

/// How long to pause after a count that took that long.
fn pause_after(counting: Duration) -> Duration {
    PACE.max(counting * PART).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counting_takes_a_small_part_of_the_time_and_goes_on_soon_after_a_standstill() {
        for (counting, pause) in [(0, 10), (500, 10), (2_000, 40), (3_600_000, 300)] {
            let counting = Duration::from_millis(counting);
            assert_eq!(pause_after(counting), Duration::from_secs(pause));
        }
    }
}
