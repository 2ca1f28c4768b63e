//! The log and metrics of an agent, as `koukan` has them by default.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicU64},
};

use koukan_core::{
    event::Observers,
    observer::{Log, Metrics},
};
use metrics::{
    Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::SubscriberExt,
};

#[path = "../../koukan-bin/src/logging/escape.rs"]
mod escape;
#[path = "../../koukan-bin/src/logging/human.rs"]
mod human;
#[path = "../../koukan-bin/src/logging/line.rs"]
mod line;
#[path = "../../koukan-bin/src/logging/time.rs"]
mod time;

/// Makes the observers.
pub(crate) fn start() -> Observers {
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(io::sink)
        .with_ansi(false)
        .fmt_fields(human::Human)
        .event_format(human::Human);
    let wanted = Targets::new().with_default(LevelFilter::INFO);
    let lines = tracing_subscriber::registry().with(wanted).with(lines);
    tracing::subscriber::set_global_default(lines).expect("there is no other log");
    Observers::new(Log).with(Arc::new(Metrics::new(Registry)))
}

/// Counts as an exporter does. The Prometheus exporter calibrates its clock, which takes a varying
/// number of instructions, so it is not used here.
struct Registry;

/// The measurements since they were last added up.
#[derive(Default)]
struct Measured(Mutex<Vec<f64>>);

impl Recorder for Registry {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(Arc::new(AtomicU64::new(0)))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(Arc::new(AtomicU64::new(0)))
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(Arc::new(Measured::default()))
    }
}

impl HistogramFn for Measured {
    fn record(&self, value: f64) {
        let Self(values) = self;
        let mut values = values.lock().unwrap_or_else(PoisonError::into_inner);
        // As many as an exporter keeps before they are added up.
        if values.len() == 512 {
            values.clear();
        }
        values.push(value);
    }
}
