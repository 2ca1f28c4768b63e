//! A process whose syncs are counted.

use std::{fs, path::PathBuf, process::Command, thread::sleep, time::Duration};

use crate::Failed;

use super::{Process, children, signal};

/// Calls that sync data to disk.
const SYNCS: [&str; 4] = ["fsync(", "fdatasync(", "msync(", "sync_file_range("];

/// A program under `strace`.
pub(crate) struct Traced {
    tracer: Process,
    file: PathBuf,
}

impl Traced {
    /// Whether programs can be traced here.
    pub(crate) fn is_possible() -> bool {
        let version = Command::new("strace").arg("-V").output();
        version.is_ok_and(|output| output.status.success())
    }

    /// Starts a program; its syncs are logged to a file.
    pub(crate) fn start(command: &Command, file: PathBuf) -> Result<Self, Failed> {
        let calls: Vec<_> = SYNCS
            .iter()
            .map(|call| call.trim_end_matches('('))
            .collect();
        let mut tracer = Command::new("strace");
        tracer
            .args(["-f", "--seccomp-bpf", "-e", "signal=none", "-e"])
            .arg(format!("trace={}", calls.join(",")))
            .arg("-o")
            .arg(&file)
            .arg(command.get_program())
            .args(command.get_args());
        let tracer = Process::start(&mut tracer)?;
        Ok(Self { tracer, file })
    }

    /// Sends a signal to the traced program.
    pub(crate) fn signal(&self, name: &str) {
        for process in children(self.tracer.id()) {
            signal(process, name);
        }
    }

    /// Syncs so far.
    pub(crate) fn syncs(&self) -> u64 {
        let text = fs::read_to_string(&self.file).unwrap_or_default();
        count(&text)
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        // The tracer ends with the traced program; if it were ended first, the program would go on.
        self.signal("TERM");
        for _ in 0..1000 {
            if !matches!(self.tracer.0.try_wait(), Ok(None)) {
                return;
            }
            sleep(Duration::from_millis(10));
        }
    }
}

/// Counts calls in the tracer's log; a call that was interrupted by another thread's has two lines.
fn count(text: &str) -> u64 {
    let is_call = |line: &&str| SYNCS.iter().any(|call| line.contains(call));
    text.lines().filter(is_call).count() as u64
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn each_call_counts_once() {
        let text = "7 fdatasync(5 <unfinished ...>\n8 fsync(6) = 0\n7 <... fdatasync resumed>) = 0\n8 +++ exited with 0 +++\n";
        assert_eq!(count(text), 2);
    }
}
