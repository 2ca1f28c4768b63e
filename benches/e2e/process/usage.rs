//! The resources that processes used, according to Linux.

use std::{fs, path::Path};

/// Processor time of a process so far, user and system.
pub(crate) fn cpu_seconds(process: &str) -> f64 {
    times(process).iter().take(2).sum()
}

/// Processor time of a process and of its children that have ended.
pub(crate) fn cpu_seconds_with_ended(process: u32) -> f64 {
    times(&process.to_string()).iter().sum()
}

/// User and system time of a process, and of its children that have ended.
fn times(process: &str) -> Vec<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = fields.split_whitespace().skip(11).take(4);
    let ticks = ticks.filter_map(|ticks| ticks.parse::<f64>().ok());
    // A tick is a hundredth of a second wherever Linux runs on a PC.
    ticks.map(|ticks| ticks / 100.0).collect()
}

/// The largest resident memory of a process so far, in MiB.
pub(crate) fn peak_mib(process: u32) -> f64 {
    field(format!("/proc/{process}/status"), "VmHWM:") / 1024.0
}

/// Resident memory of a process; and the same with shared memory divided among the processes that
/// share it. In MiB.
pub(crate) fn resident_mib(process: u32) -> (f64, f64) {
    let file = format!("/proc/{process}/smaps_rollup");
    (field(&file, "Rss:") / 1024.0, field(&file, "Pss:") / 1024.0)
}

/// Octets that a process wrote to storage so far, in KiB.
pub(crate) fn written_kib(process: u32) -> f64 {
    field(format!("/proc/{process}/io"), "write_bytes:") / 1024.0
}

/// The number after a name at the start of a line.
fn field(file: impl AsRef<Path>, name: &str) -> f64 {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let value = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    value.unwrap_or_default()
}

/// The running children of a process.
pub(crate) fn children(process: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{process}/task"));
    let tasks = tasks.into_iter().flatten().filter_map(Result::ok);
    let lists = tasks.map(|task| fs::read_to_string(task.path().join("children")));
    let lists: Vec<_> = lists.map(Result::unwrap_or_default).collect();
    let children = lists.iter().flat_map(|list| list.split_whitespace());
    children.filter_map(|child| child.parse().ok()).collect()
}
