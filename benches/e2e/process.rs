//! Child processes and what they used.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command},
    sync::atomic::{AtomicU16, Ordering},
    thread::sleep,
    time::{Duration, Instant},
};

use crate::Failed;

/// A child that is killed when it is dropped.
pub(crate) struct Process(pub(crate) Child);

impl Process {
    pub(crate) fn start(command: &mut Command) -> Result<Self, Failed> {
        let program = command.get_program().to_owned();
        match command.spawn() {
            Ok(child) => Ok(Self(child)),
            Err(error) => Err(format!("cannot start {}: {error}", program.display()).into()),
        }
    }

    /// Processor time so far, user and system.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        cpu_seconds(&self.0.id().to_string())
    }

    /// The largest resident memory so far, in MiB.
    pub(crate) fn peak_memory(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
        kib.unwrap_or(0.0) / 1024.0
    }

    /// Octets written to storage so far, in MiB.
    pub(crate) fn written(&self) -> f64 {
        let io = fs::read_to_string(format!("/proc/{}/io", self.0.id())).unwrap_or_default();
        let line = io
            .lines()
            .find_map(|line| line.strip_prefix("write_bytes: "));
        line.and_then(|line| line.parse::<f64>().ok())
            .unwrap_or(0.0)
            / f64::from(1 << 20)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Processor time of a process so far, user and system.
pub(crate) fn cpu_seconds(process: &str) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: f64 = ticks.filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
    // A tick is a hundredth of a second wherever Linux runs on a PC.
    ticks / 100.0
}

/// An address on loopback that nobody listens on, below the ports that connections are given.
pub(crate) fn free_address() -> Result<SocketAddr, Failed> {
    static NEXT: AtomicU16 = AtomicU16::new(10_000);
    loop {
        let port = NEXT.fetch_add(1, Ordering::Relaxed);
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        if port >= 32_000 {
            return Err("no free port".into());
        }
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
}

pub(crate) fn await_listener(address: SocketAddr) -> Result<(), Failed> {
    let start = Instant::now();
    while TcpStream::connect(address).is_err() {
        if start.elapsed() > Duration::from_secs(20) {
            return Err(format!("nobody listens on {address}").into());
        }
        sleep(Duration::from_millis(10));
    }
    Ok(())
}
