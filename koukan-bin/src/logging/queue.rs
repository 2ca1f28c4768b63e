//! Lines on their way out of the process.
//!
//! Whoever logs puts a line into the [`Queue`] and goes on; a thread of its own writes what has come
//! within some milliseconds in one go. So a line costs its task no system call, and a reader that hangs,
//! as of a pipe or a terminal that was stopped, holds up nobody else.
//!
//! The queue has a bound. Where it is full lines are lost; they are counted, and how many they were is
//! told in the log once there is room again.

use std::{
    io::{self, ErrorKind, Write},
    mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use tracing_subscriber::fmt::MakeWriter;

/// Octets of lines that wait to be written, at most.
const QUEUED_MAX: usize = 4 << 20;
/// Octets that are written at once, however short they have waited.
const ENOUGH: usize = 64 << 10;
/// Octets of memory that are kept for the lines to come.
const KEPT: usize = 2 * ENOUGH;
/// How long a line waits for others, at most.
const LINGER: Duration = Duration::from_millis(5);
/// How many times as long as for the next octets is waited for all of them.
const PATIENCES: u32 = 10;
/// How long to wait before writing again to what takes nothing now and does not wait by itself.
const PAUSE: Duration = Duration::from_millis(10);

/// Lines that wait to be written. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Queue(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// There is something to write, or a reason not to wait with it.
    filled: Condvar,
    /// Something was written.
    written: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: Vec<u8>,
    /// Lines that found no room.
    lost: u64,
    /// Whether the thread sleeps until there is something to write.
    sleeps: bool,
    /// Octets that came, were written, and are waited for, of all since the start.
    came: u64,
    done: u64,
    wanted: u64,
    /// Whoever waited last has waited in vain, and nothing was written since.
    is_stuck: bool,
}

impl Queue {
    /// Starts the thread, which writes to `to` for as long as the process runs.
    ///
    /// # Errors
    ///
    /// Where there is no thread to be had.
    pub(super) fn start(to: impl Write + Send + 'static) -> io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let queue = Self(Arc::clone(&shared));
        let thread = thread::Builder::new().name("log".into());
        thread.spawn(move || write_lines(&shared, to))?;
        Ok(queue)
    }

    /// Waits until all that came so far is written: as long as something is taken within `patience`
    /// each time, and [`PATIENCES`] times that at most. Where nothing was taken the last time, and has
    /// not been since, it is not waited for again.
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

/// Each line is written whole.
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

    /// Waits for lines, takes them into `batch`, and tells how many were lost since the last time and
    /// up to which octet this is all.
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

fn write_lines(shared: &Shared, mut to: impl Write) {
    let mut batch = Vec::new();
    loop {
        let (lost, until) = shared.take(&mut batch);
        if lost > 0 {
            // First of all that comes now, while there is room for it.
            tracing::warn!(
                lines = lost,
                "lines of the log are lost: they were not read in time"
            );
        }
        let mut left = batch.len();
        for piece in batch.chunks(ENOUGH) {
            write_out(&mut to, piece);
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

/// Where nobody can read it any more it is lost, as everything that follows.
fn write_out(to: &mut impl Write, mut octets: &[u8]) {
    while !octets.is_empty() {
        match to.write(octets) {
            Ok(0) => return,
            Ok(written) => octets = &octets[written..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(PAUSE),
            Err(_) => return,
        }
    }
    let _ = to.flush();
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    /// Writes whenever it is allowed to, once each time.
    struct Reader {
        allowed: mpsc::Receiver<()>,
        read: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Reader {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            // Whoever reads has gone away.
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
        // The thread has taken some, of which it can write nothing.
        let came = queue.0.lock().came;
        assert!(came <= 2 * QUEUED_MAX as u64, "{came}");
        // Nor does anybody for whom it was in vain before.
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
