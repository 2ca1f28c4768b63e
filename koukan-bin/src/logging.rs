//! Logs, as configured.

use std::io::{self, IsTerminal};

use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    layer::SubscriberExt,
    util::{SubscriberInitExt, TryInitError},
};

use crate::config::{Log, LogFormat, LogLevel};

/// Sends logs to standard error, as `log` says; the environment variable `KOUKAN_LOG`, a level or
/// a list of `target=level`, overrides the level.
///
/// # Errors
///
/// [`TryInitError`] where the process logs already.
pub fn init(log: Log) -> Result<(), TryInitError> {
    let level = match log.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let wanted = std::env::var("KOUKAN_LOG").ok();
    let targets = wanted
        .and_then(|wanted| wanted.parse::<Targets>().ok())
        .unwrap_or_else(|| {
            Targets::new()
                .with_default(level)
                .with_target("sqlx", LevelFilter::WARN)
        });
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    let lines = match log.format {
        LogFormat::Human => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry()
        .with(lines.with_filter(targets))
        .try_init()
}
