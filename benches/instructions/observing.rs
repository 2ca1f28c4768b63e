//! The log and metrics of an agent, as `koukan` has them by default.

use std::{io, sync::Arc};

use koukan_core::{
    event::Observers,
    observer::{Log, Metrics},
};
use metrics_exporter_prometheus::PrometheusBuilder;
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    layer::SubscriberExt,
};

#[path = "../../koukan-bin/src/logging/escape.rs"]
mod escape;
#[path = "../../koukan-bin/src/logging/fields.rs"]
mod fields;

/// Begins to observe.
pub(crate) fn start() -> Observers {
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(io::sink)
        .with_ansi(false)
        .fmt_fields(fields::Plain);
    let wanted = Targets::new().with_default(LevelFilter::INFO);
    let lines = tracing_subscriber::registry().with(lines.with_filter(wanted));
    tracing::subscriber::set_global_default(lines).expect("there is no other log");
    let metrics = PrometheusBuilder::new().set_buckets(&[0.01, 0.1, 1.0, 10.0]);
    let metrics = metrics.expect("there are buckets").build_recorder();
    Observers::new(Log).with(Arc::new(Metrics::new(metrics)))
}
