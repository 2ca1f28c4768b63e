//! Metrics, for Prometheus.

use std::{sync::Arc, time::Duration};

use koukan_core::{event::Observer, observer, storage::Storage};
use metrics::{Gauge, Key, KeyName, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::time::sleep;

/// Octets of messages in memory.
const MEMORY: &str = "koukan_memory_used_bytes";
/// How long a delivery takes that may be tried for days.
const AGE: &str = "koukan_delivery_age_seconds";

/// Upper bounds of what is measured while somebody waits, in seconds.
const SECONDS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0,
];
/// Upper bounds of [`AGE`], in seconds: up to the five days that mail is tried for.
const AGES: &[f64] = &[
    0.05, 0.25, 1.0, 5.0, 30.0, 300.0, 1800.0, 7200.0, 28_800.0, 86_400.0, 432_000.0,
];

/// How often what was measured is added up, unless somebody asks for it: until then each measurement
/// takes memory.
const UPKEEP: Duration = Duration::from_secs(5);

/// What was counted and measured, to be shown. Clones show the same.
#[derive(Clone)]
pub(crate) struct Exposition {
    handle: PrometheusHandle,
    memory: Gauge,
}

/// Begins to count: who is told of events, and what shows the figures.
pub(super) fn start() -> (Arc<dyn Observer>, Exposition) {
    let age = Matcher::Full(AGE.into());
    let builder = PrometheusBuilder::new().set_buckets(SECONDS);
    let builder = builder.and_then(|builder| builder.set_buckets_for_metric(age, AGES));
    let recorder = builder.expect("there are buckets").build_recorder();
    let text = "Octets of messages in memory.";
    recorder.describe_gauge(KeyName::from_const_str(MEMORY), None, text.into());
    let metadata = Metadata::new(module_path!(), Level::INFO, Some(module_path!()));
    let exposition = Exposition {
        handle: recorder.handle(),
        memory: recorder.register_gauge(&Key::from_static_name(MEMORY), &metadata),
    };
    (Arc::new(observer::Metrics::new(recorder)), exposition)
}

impl Exposition {
    /// The figures, in Prometheus' text format.
    pub(crate) fn render(&self, storage: &Storage) -> String {
        #[allow(clippy::cast_precision_loss, reason = "so much memory there is not")]
        self.memory.set(storage.pool().used() as f64);
        self.handle.render()
    }

    /// Adds up what was measured, for ever.
    pub(crate) async fn keep_up(self) {
        loop {
            sleep(UPKEEP).await;
            self.handle.run_upkeep();
        }
    }
}
