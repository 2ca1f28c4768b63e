//! Logs, as configured.
//!
//! What others have sent stands in log lines too. No character of it can look like something else
//! there: those that do not show, that end a line or that turn the direction of writing round are
//! escaped, and in lines for people values with spaces stand in quotes.

mod escape;
mod fields;
mod json;
#[cfg(test)]
mod tests;

use std::io::{self, IsTerminal};

use tracing::Subscriber;
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    fmt::MakeWriter,
    layer::SubscriberExt,
    registry::LookupSpan,
    util::{SubscriberInitExt, TryInitError},
};

use crate::config::{Log, LogFormat, LogLevel};

use self::{fields::Plain, json::Escaping};

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
    let lines = lines(log.format, io::stderr, io::stderr().is_terminal());
    tracing_subscriber::registry()
        .with(lines.with_filter(targets))
        .try_init()
}

/// A layer that writes lines.
fn lines<S, W>(format: LogFormat, to: W, has_colours: bool) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer();
    match format {
        LogFormat::Human => lines
            .with_writer(to)
            .with_ansi(has_colours)
            .fmt_fields(Plain)
            .boxed(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_writer(Escaping(to))
            .boxed(),
    }
}
