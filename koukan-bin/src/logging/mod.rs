//! Logs, as configured.
//!
//! What others have sent stands in log lines too. No character of it can look like something else
//! there: those that do not show, that end a line or that turn the direction of writing round are
//! escaped, and in lines for people values with spaces stand in quotes.

mod escape;
mod human;
mod json;
mod line;
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

/// How long the end of the process, or a panic, may wait for whoever reads the log.
const PATIENCE: Duration = Duration::from_secs(1);

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
    /// There is no thread to be had that writes the lines.
    #[error("logs cannot be written")]
    Thread(#[from] io::Error),
}

/// Sends logs to standard error, as `log` says; the environment variable `KOUKAN_LOG`, a level or
/// a list of `target=level`, overrides the level. Panics are logged too.
///
/// A thread writes the lines, some milliseconds later: [`flush`] waits for it, and is called before the
/// process ends. Where they are not taken, some MiB of them wait, and further ones are lost.
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
    let queue = Queue::start(io::stderr())?;
    let lines = lines(log.format, queue.clone(), io::stderr().is_terminal());
    tracing_subscriber::registry()
        .with(targets)
        .with(lines)
        .try_init()?;
    // Nobody else has set it: there is one log.
    let _ = LINES.set(queue);
    panic::set_hook(Box::new(|panic| {
        panics::tell(panic);
        // It may be the last that the process does.
        flush();
    }));
    wanted.map(drop).map_err(LogError::Wanted)
}

/// Waits until all that was logged so far is written; where nothing of it is taken for a second, or all of
/// it not within ten, no longer.
pub fn flush() {
    if let Some(lines) = LINES.get() {
        lines.flush(PATIENCE);
    }
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
