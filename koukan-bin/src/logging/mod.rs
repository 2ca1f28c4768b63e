//! Logs, as configured.
//!
//! What others have sent stands in log lines too. No character of it can look like something else
//! there: those that do not show, that end a line or that turn the direction of writing round are
//! escaped, and in lines for people values with spaces stand in quotes.

mod escape;
mod fields;
mod json;
mod panics;
#[cfg(test)]
mod tests;
mod wanted;

use std::{
    env::VarError,
    io::{self, IsTerminal},
    panic,
};

use tracing::Subscriber;
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    fmt::{MakeWriter, format::JsonFields},
    layer::SubscriberExt,
    registry::LookupSpan,
    util::{SubscriberInitExt, TryInitError},
};

use crate::config::{Log, LogFormat, LogLevel};

use self::{
    fields::Plain,
    json::{Escaping, Json},
    wanted::wanted,
};

/// Logs cannot be written as somebody wants.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The environment variable is no level, and no list of them.
    #[error("the environment variable KOUKAN_LOG is wrong: {0}")]
    Wanted(String),
    /// The process logs already.
    #[error("logs cannot be written")]
    Init(#[from] TryInitError),
}

/// Sends logs to standard error, as `log` says; the environment variable `KOUKAN_LOG`, a level or
/// a list of `target=level`, overrides the level. Panics are logged too.
///
/// # Errors
///
/// [`LogError`]. Where the environment variable is wrong, logs are written all the same, as `log`
/// says, so that this too can be told in a log line.
pub fn init(log: Log) -> Result<(), LogError> {
    let level = match log.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let configured = Targets::new()
        .with_default(level)
        .with_target("sqlx", LevelFilter::WARN);
    let wanted = match std::env::var("KOUKAN_LOG") {
        Ok(text) => wanted(&text),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err("it is not UTF-8".into()),
    };
    let targets = match &wanted {
        Ok(Some(targets)) => targets.clone(),
        Ok(None) | Err(_) => configured,
    };
    let lines = lines(log.format, io::stderr, io::stderr().is_terminal());
    tracing_subscriber::registry()
        .with(lines.with_filter(targets))
        .try_init()?;
    panic::set_hook(Box::new(panics::tell));
    wanted.map(drop).map_err(LogError::Wanted)
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
            .fmt_fields(JsonFields::new())
            .event_format(Json)
            .with_writer(Escaping(to))
            .boxed(),
    }
}
