//! Metrics, for Prometheus.

use std::{
    collections::BTreeMap,
    fmt::Write,
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};

use koukan_core::{clock::SharedClock, event::Observer, observer, storage::Storage};
use metrics::{Gauge, Key, KeyName, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::time::sleep;

use super::{certificates::CertificateFiles, queue_depth::DepthGauges};

/// The name of the metric: for how long certificates are still valid.
const LEFT: &str = "koukan_certificate_left_seconds";
/// The name of the metric: octets of messages in memory.
const MEMORY: &str = "koukan_memory_used_bytes";
/// The name of the metric: how long deliveries take, some of which are tried for days.
const AGE: &str = "koukan_delivery_age_seconds";

/// Upper bounds, in seconds, for histograms of what somebody waits for.
const SECONDS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0,
];
/// Upper bounds of [`AGE`], in seconds: up to the five days for which mail is tried.
const AGES: &[f64] = &[
    0.05, 0.25, 1.0, 5.0, 30.0, 300.0, 1800.0, 7200.0, 28_800.0, 86_400.0, 432_000.0,
];

/// How often measurements are added up if nobody asks for them: until then each one takes memory.
const UPKEEP: Duration = Duration::from_secs(5);

/// The metrics, to be shown. Clones share them.
#[derive(Clone)]
pub(crate) struct Exposition {
    handle: PrometheusHandle,
    memory: Gauge,
    depth: DepthGauges,
    certificates: Arc<OnceLock<(CertificateFiles, SharedClock)>>,
}

/// Starts counting; returns the observer that counts, and what shows the metrics.
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
        depth: DepthGauges::new(&recorder),
        certificates: Arc::default(),
    };
    (Arc::new(observer::Metrics::new(recorder)), exposition)
}

impl Exposition {
    /// The metrics in Prometheus' text format.
    pub(crate) fn render(&self, storage: &Storage) -> String {
        #[allow(clippy::cast_precision_loss, reason = "so much memory there is not")]
        self.memory.set(storage.pool().used() as f64);
        let mut text = self.handle.render();
        if let Some((certificates, clock)) = self.certificates.get() {
            write_left(&mut text, &certificates.left(clock.now()));
        }
        text
    }

    /// Shows from now on for how long these certificates are valid.
    pub(super) fn show(&self, certificates: CertificateFiles, clock: SharedClock) {
        let _ = self.certificates.set((certificates, clock));
    }

    /// The gauges for the depth of the queue.
    pub(crate) fn depth(&self) -> DepthGauges {
        self.depth.clone()
    }

    /// Adds up measurements; never ends.
    pub(crate) async fn keep_up(self) {
        loop {
            sleep(UPKEEP).await;
            self.handle.run_upkeep();
        }
    }
}

/// Writes for how long certificates are valid in Prometheus' format: each file once.
fn write_left(text: &mut String, left: &[(PathBuf, i64)]) {
    let left: BTreeMap<_, _> = left.iter().map(|(file, left)| (file, left)).collect();
    if left.is_empty() {
        return;
    }
    let _ = writeln!(text, "# HELP {LEFT} Seconds until a certificate ends.");
    let _ = writeln!(text, "# TYPE {LEFT} gauge");
    for (file, left) in left {
        let file = file.display().to_string();
        let file = file
            .replace('\\', r"\\")
            .replace('"', "\\\"")
            .replace('\n', r"\n");
        let _ = writeln!(text, "{LEFT}{{file=\"{file}\"}} {left}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_labels_however_they_are_called() {
        let mut text = String::new();
        write_left(&mut text, &[("a\"b\\c\nd".into(), -5), ("e".into(), 7)]);
        let lines: Vec<_> = text.lines().skip(2).collect();
        let expected = [
            r#"koukan_certificate_left_seconds{file="a\"b\\c\nd"} -5"#,
            r#"koukan_certificate_left_seconds{file="e"} 7"#,
        ];
        assert_eq!(lines, expected);
    }
}
