//! How much is queued, for Prometheus.

use std::{future::pending, time::Duration};

use jiff::Timestamp;
use koukan_core::{
    causes::Causes,
    storage::{QueueDepth, Storage},
};
use metrics::{Gauge, Key, KeyName, Label, Level, Metadata, Recorder};
use tokio::time::{Instant, sleep};

/// Transactions in the queue, by what is to happen with them.
const TRANSACTIONS: &str = "koukan_queue_transactions";
/// For how long something is due.
const OLDEST: &str = "koukan_queue_oldest_due_seconds";

/// How often it is counted, and for what part of the time at most, however long that takes.
const PACE: Duration = Duration::from_secs(10);
const PART: u32 = 20;

/// Shows how much is queued. What nobody counts is not a number.
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
        let text = "Seconds since that was due which has been due for the longest time.";
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

    /// Counts again and again, for ever.
    pub(crate) async fn follow(self, storage: Storage) {
        loop {
            let (begun, now) = (Instant::now(), storage.clock().now());
            match storage.backend().depth(now).await {
                Ok(Some(depth)) => self.show(depth, now),
                Ok(None) => return pending().await,
                // Readiness tells of it.
                Err(error) => {
                    tracing::debug!(error = %Causes(&error), "cannot count what is queued")
                }
            }
            sleep(PACE.max(begun.elapsed() * PART)).await;
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
