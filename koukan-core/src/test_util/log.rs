//! Log output as text.

use std::{
    io::{self, Write},
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use tracing::{
    Dispatch, Level,
    subscriber::{DefaultGuard, NoSubscriber, set_default},
};

/// A second subscriber.
///
/// With only one subscriber, the level at which the first thread to log a line listens switches
/// that line on or off for all threads. With two, each subscriber decides.
static BESIDE: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::new()));

/// What this thread logs while this exists.
#[derive(Debug)]
pub struct CapturedLog {
    lines: Lines,
    _guard: DefaultGuard,
}

#[derive(Clone, Debug, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl CapturedLog {
    /// Starts to keep what this thread logs at that level and above.
    pub fn at(level: Level) -> Self {
        LazyLock::force(&BESIDE);
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        let guard = set_default(subscriber);
        Self {
            lines,
            _guard: guard,
        }
    }

    /// All lines so far.
    pub fn text(&self) -> String {
        let Lines(octets) = &self.lines;
        let octets = octets.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&octets).into_owned()
    }

    /// The line that contains this text.
    ///
    /// # Panics
    ///
    /// If there is not exactly one.
    pub fn only_line(&self, with: &str) -> String {
        let text = self.text();
        let mut lines = text.lines().filter(|line| line.contains(with));
        match (lines.next(), lines.next()) {
            (Some(line), None) => line.to_owned(),
            _ => panic!("not one line with {with}: {text}"),
        }
    }
}

impl Write for Lines {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let Self(kept) = self;
        kept.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn say() {
        tracing::warn!("said");
    }

    #[test]
    fn what_another_thread_logs_first_is_heard() {
        let log = CapturedLog::at(Level::WARN);
        thread::spawn(say).join().expect("it does not panic");
        assert_eq!(log.text(), "");
        say();
        assert!(log.only_line("said").contains("WARN"));
    }
}
