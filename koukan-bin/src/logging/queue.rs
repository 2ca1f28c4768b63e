//! The queue of log lines to be written.
//!
//! A task that logs puts a line into the [`Queue`] and goes on; a thread writes all lines of some milliseconds at
//! once. So a line costs its task no system call. A reader that hangs, for example a pipe or a terminal that was
//! stopped, holds up nobody else.
//!
//! The queue is bounded. When it is full, lines are lost; their number is logged once there is room again. So is that of
//! lines that cannot be written, for example because the disk is full.

use std::{
    io::{self, Write},
    mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use tracing_subscriber::fmt::MakeWriter;

use super::output::Output;

/// The most octets of lines in the queue.
const QUEUED_MAX: usize = 4 << 20;
/// At this many octets, lines are written without waiting for more.
const ENOUGH: usize = 64 << 10;
/// Octets of memory that are kept for later lines.
const KEPT: usize = 2 * ENOUGH;
/// How long a line waits for others at most.
const LINGER: Duration = Duration::from_millis(5);
/// Waiting for all octets takes at most this many times as long as for the next ones.
const PATIENCES: u32 = 10;

/// Log lines that are to be written. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Queue(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// Signalled when there is something to write, or a reason to write at once.
    filled: Condvar,
    /// Signalled when something was written.
    written: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: Vec<u8>,
    /// How many lines found no room.
    lost: u64,
    /// Whether the thread sleeps until there is something to write.
    sleeps: bool,
    /// Counts of octets since the start: those that arrived, were written, and are waited for.
    came: u64,
    done: u64,
    wanted: u64,
    /// Whether the last wait was in vain, and nothing was written since.
    is_stuck: bool,
}

impl Queue {
    /// Starts the thread, which writes to `to` for as long as the process runs.
    ///
    /// # Errors
    ///
    /// If no thread can be started.
    pub(super) fn start(to: impl Write + Send + 'static) -> io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let queue = Self(Arc::clone(&shared));
        let thread = thread::Builder::new().name("log".into());
        thread.spawn(move || write_lines(&shared, to))?;
        Ok(queue)
    }

    /// Waits until everything that has arrived so far is written. Gives up if nothing is written for `patience`, or
    /// after [`PATIENCES`] times that. If the last wait was in vain and nothing was written since, it does not wait.
    pub(super) fn flush(&self, patience: Duration) {
        let Self(shared) = self;
        let until = now() + patience * PATIENCES;
        let mut state = shared.lock();
        let wanted = state.came;
        state.wanted = wanted;
        shared.filled.notify_one();
        while state.done < wanted && !state.is_stuck && now() < until {
            let before = state.done;
            let is_missing = |state: &mut State| state.done == before;
            let waited = shared
                .written
                .wait_timeout_while(state, patience, is_missing);
            let timed_out;
            (state, timed_out) = waited.unwrap_or_else(PoisonError::into_inner);
            state.is_stuck = timed_out.timed_out() && state.done == before;
        }
    }

    fn push(&self, line: &[u8]) {
        let Self(shared) = self;
        let mut state = shared.lock();
        let before = state.lines.len();
        let after = before + line.len();
        if after > QUEUED_MAX {
            state.lost += 1;
            return;
        }
        state.lines.extend_from_slice(line);
        state.came += line.len() as u64;
        let is_enough = before < ENOUGH && after >= ENOUGH;
        if mem::take(&mut state.sleeps) || is_enough {
            drop(state);
            shared.filled.notify_one();
        }
    }
}

/// Each write is one whole line.
impl Write for &Queue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Queue {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> &'a Self {
        self
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for lines and takes them into `batch`. Returns how many were lost since the last time, and the number of
    /// the last octet taken.
    fn take(&self, batch: &mut Vec<u8>) -> (u64, u64) {
        let mut state = self.lock();
        state.sleeps = state.lines.is_empty();
        let is_empty = |state: &mut State| state.lines.is_empty();
        let waited = self.filled.wait_while(state, is_empty);
        let state = waited.unwrap_or_else(PoisonError::into_inner);
        let may_linger =
            |state: &mut State| state.wanted <= state.done && state.lines.len() < ENOUGH;
        let waited = self.filled.wait_timeout_while(state, LINGER, may_linger);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        mem::swap(&mut state.lines, batch);
        (mem::take(&mut state.lost), state.came)
    }

    fn is_done(&self, until: u64) {
        {
            let mut state = self.lock();
            state.done = until;
            state.is_stuck = false;
        }
        self.written.notify_all();
    }
}

fn write_lines(shared: &Shared, to: impl Write) {
    let mut output = Output::new(to);
    let mut batch = Vec::new();
    loop {
        let (lost, until) = shared.take(&mut batch);
        if lost > 0 {
            // Before the new lines, while there is room for it.
            tracing::warn!(
                lines = lost,
                "lines of the log are lost: they were not read in time"
            );
        }
        let mut left = batch.len();
        for piece in batch.chunks(ENOUGH) {
            if let Some((lines, error)) = output.write(piece) {
                // Only now is there hope that this line is written.
                tracing::warn!(
                    lines,
                    %error,
                    "lines of the log are lost: they could not be written"
                );
            }
            left -= piece.len();
            shared.is_done(until - left as u64);
        }
        batch.clear();
        batch.shrink_to(KEPT);
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "for a thread that waits, and no task"
)]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use std::{io::ErrorKind, sync::mpsc};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    /// A writer that writes once each time it is allowed to.
    struct Reader {
        allowed: mpsc::Receiver<()>,
        read: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Reader {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            // The reader has gone.
            let gone = |_| io::Error::from(ErrorKind::BrokenPipe);
            self.allowed.recv().map_err(gone)?;
            self.read.lock().unwrap().extend_from_slice(octets);
            Ok(octets.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn start() -> (Queue, mpsc::SyncSender<()>, Arc<Mutex<Vec<u8>>>) {
        let (allow, allowed) = mpsc::sync_channel(100);
        let read = Arc::<Mutex<Vec<u8>>>::default();
        let reader = Reader {
            allowed,
            read: Arc::clone(&read),
        };
        (Queue::start(reader).unwrap(), allow, read)
    }

    #[test]
    fn lines_are_written_together_and_whoever_waits_finds_them_written() {
        let (queue, allow, read) = start();
        for _ in 0..50 {
            allow.send(()).unwrap();
        }
        let mut written = Vec::new();
        for n in 0..50 {
            for part in ["a", "b"] {
                let line = format!("{n} {part}\n");
                written.extend_from_slice(line.as_bytes());
                (&queue).write_all(line.as_bytes()).unwrap();
            }
            queue.flush(PATIENCE);
            assert_eq!(*read.lock().unwrap(), written);
        }
    }

    #[test]
    fn where_nobody_reads_lines_are_lost_and_counted_and_nobody_waits() {
        let (queue, allow, read) = start();
        let line = vec![b'x'; 1 << 10];
        for _ in 0..3 * QUEUED_MAX / line.len() {
            queue.push(&line);
        }
        queue.flush(Duration::from_millis(1));
        assert!(queue.0.lock().lines.len() <= QUEUED_MAX);
        // The thread has taken some lines, and cannot write them.
        let came = queue.0.lock().came;
        assert!(came <= 2 * QUEUED_MAX as u64, "{came}");
        // A second wait does not wait, since the first was in vain.
        assert!(queue.0.lock().is_stuck);
        queue.flush(PATIENCE);
        let allow = std::thread::spawn(move || while allow.send(()).is_ok() {});
        while queue.0.lock().done < came {
            std::thread::yield_now();
        }
        drop(allow);
        assert_eq!(read.lock().unwrap().len() as u64, came);
        assert_eq!(queue.0.lock().lost, 0, "it is told");
    }

    #[test]
    fn a_reader_that_has_gone_away_costs_its_lines_and_nothing_else() {
        let (queue, allow, _read) = start();
        drop(allow);
        for _ in 0..3 {
            queue.push(b"line\n");
            queue.flush(PATIENCE);
        }
        assert!(queue.0.lock().lines.is_empty());
    }
}
