//! Logs, as configured.
//!
//! Log lines also contain text from other hosts. No character of it can be mistaken for something
//! else: characters that are invisible, end a line or reverse the direction of writing are escaped,
//! and in lines for people, values with spaces are in quotes.

mod escape;
mod human;
mod json;
mod line;
mod output;
mod panics;
mod queue;
#[cfg(test)]
mod tests;
mod time;
mod wanted;

use std::{
    env::VarError,
    io::{self, IsTerminal},
    panic,
    sync::OnceLock,
    time::Duration,
};

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

use self::{human::Human, json::Json, queue::Queue, wanted::wanted};

/// The lines of this process that wait to be written.
static LINES: OnceLock<Queue> = OnceLock::new();

/// How long the end of the process, or a panic, may wait for the reader of the log.
const PATIENCE: Duration = Duration::from_secs(1);

/// Why logs cannot be written as configured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The environment variable is no level, and no list of them.
    #[error("the environment variable KOUKAN_LOG is wrong: {0}")]
    Wanted(String),
    /// The process logs already.
    #[error("logs cannot be written")]
    Init(#[from] TryInitError),
    /// The thread that writes the lines cannot be started.
    #[error("logs cannot be written")]
    Thread(#[from] io::Error),
}

/// Sends logs to standard error, as `log` says. The environment variable `KOUKAN_LOG`, a level or a
/// list of `target=level`, overrides the level. Panics are logged too.
///
/// A thread writes the lines some milliseconds later. [`flush`] waits for it, and is called before the process
/// ends. If nobody reads the lines, some MiB of them are kept, and further ones are lost.
///
/// # Errors
///
/// [`LogError`]. If the environment variable is wrong, logs are still written, as `log` says, so
/// that this error can be logged too.
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
        .with_target("sqlx", LevelFilter::WARN)
        // The server says the same on each connection, and storage logs what follows from it.
        .with_target("sqlx::postgres::notice", LevelFilter::ERROR);
    let wanted = match std::env::var("KOUKAN_LOG") {
        Ok(text) => wanted(&text),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err("it is not UTF-8".into()),
    };
    let targets = match &wanted {
        Ok(Some(targets)) => targets.clone(),
        Ok(None) | Err(_) => configured,
    };
    let queue = Queue::start(io::stderr())?;
    let lines = lines(log.format, queue.clone(), io::stderr().is_terminal());
    tracing_subscriber::registry()
        .with(targets)
        .with(lines)
        .try_init()?;
    // Nobody else sets it: there is only one log.
    let _ = LINES.set(queue);
    panic::set_hook(Box::new(|panic| {
        panics::tell(panic);
        // The process may end with this panic.
        flush();
    }));
    wanted.map(drop).map_err(LogError::Wanted)
}

/// Waits until everything logged so far is written. Gives up if nothing is read for a second, or
/// not everything within ten.
pub fn flush() {
    if let Some(lines) = LINES.get() {
        lines.flush(PATIENCE);
    }
}

/// The layer that writes lines.
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
            .fmt_fields(Human)
            .event_format(Human)
            .boxed(),
        LogFormat::Json => lines
            .with_writer(to)
            .fmt_fields(Json)
            .event_format(Json)
            .boxed(),
    }
}
