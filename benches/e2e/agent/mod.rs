//! Koukan under test, in one process or in two.

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    process::{Command, Stdio},
};

use tempfile::TempDir;

use crate::{
    Failed,
    process::{Process, Traced, await_listener, free_address, peak_mib, signal, written_kib},
    server::{Entry, Server},
};

/// How the agent is put together.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// `koukan run` alone.
    Whole,
    /// `koukan-router` and `koukan-gateway`, with HTTP between them.
    Split,
}

/// An agent with a queue of its own.
pub(crate) struct Agent {
    processes: Vec<Process>,
    addresses: Addresses,
    _directory: TempDir,
}

/// An agent whose syncs are counted; it is slower.
pub(crate) struct TracedAgent {
    processes: Vec<Traced>,
    addresses: Addresses,
    _directory: TempDir,
}

#[derive(Debug, Clone, Copy)]
struct Addresses {
    ingress: SocketAddr,
    submission: SocketAddr,
    rest: SocketAddr,
    gateway: SocketAddr,
}

impl Agent {
    pub(crate) fn start(shape: Shape, sink: SocketAddr) -> Result<Self, Failed> {
        let directory = tempfile::tempdir()?;
        let addresses = Addresses::choose()?;
        let commands = commands(shape, &directory, &addresses, sink)?;
        let mut processes = Vec::new();
        for mut command in commands {
            processes.push(Process::start(&mut command)?);
        }
        addresses.wait()?;
        Ok(Self {
            processes,
            addresses,
            _directory: directory,
        })
    }

    pub(crate) fn rest(&self) -> SocketAddr {
        self.addresses.rest
    }
}

impl Server for Agent {
    fn address(&self, entry: Entry) -> SocketAddr {
        self.addresses.of(entry)
    }

    fn cpu_seconds(&self) -> f64 {
        self.processes.iter().map(Process::cpu_seconds).sum()
    }

    fn memory_mib(&self) -> Vec<f64> {
        let processes = self.processes.iter();
        processes.map(|process| peak_mib(process.id())).collect()
    }

    fn written_kib(&self) -> Option<f64> {
        let processes = self.processes.iter();
        Some(processes.map(|process| written_kib(process.id())).sum())
    }

    fn pause(&self) {
        self.processes
            .iter()
            .for_each(|process| signal(process.id(), "STOP"));
    }

    fn resume(&self) {
        self.processes
            .iter()
            .for_each(|process| signal(process.id(), "CONT"));
    }
}

impl TracedAgent {
    pub(crate) fn start(shape: Shape, sink: SocketAddr) -> Result<Self, Failed> {
        let directory = tempfile::tempdir()?;
        let addresses = Addresses::choose()?;
        let commands = commands(shape, &directory, &addresses, sink)?;
        let mut processes = Vec::new();
        for (index, command) in commands.iter().enumerate() {
            let file = directory.path().join(format!("syncs-{index}"));
            processes.push(Traced::start(command, file)?);
        }
        addresses.wait()?;
        Ok(Self {
            processes,
            addresses,
            _directory: directory,
        })
    }
}

impl Server for TracedAgent {
    fn address(&self, entry: Entry) -> SocketAddr {
        self.addresses.of(entry)
    }

    fn syncs(&self) -> Option<u64> {
        Some(self.processes.iter().map(Traced::syncs).sum())
    }

    fn pause(&self) {
        self.processes
            .iter()
            .for_each(|process| process.signal("STOP"));
    }

    fn resume(&self) {
        self.processes
            .iter()
            .for_each(|process| process.signal("CONT"));
    }
}

impl Addresses {
    fn choose() -> Result<Self, Failed> {
        Ok(Self {
            ingress: free_address()?,
            submission: free_address()?,
            rest: free_address()?,
            gateway: free_address()?,
        })
    }

    fn of(&self, entry: Entry) -> SocketAddr {
        match entry {
            Entry::Ingress => self.ingress,
            Entry::Submission => self.submission,
            Entry::Rest => self.rest,
        }
    }

    fn wait(&self) -> Result<(), Failed> {
        await_listener(self.ingress)?;
        await_listener(self.submission)?;
        await_listener(self.rest)
    }
}

/// What to run, with the configurations written.
fn commands(
    shape: Shape,
    directory: &TempDir,
    addresses: &Addresses,
    sink: SocketAddr,
) -> Result<Vec<Command>, Failed> {
    let programs: &[(&str, &[&str], &str)] = match shape {
        Shape::Whole => &[("koukan", &["run"], include_str!("whole.yaml"))],
        Shape::Split => &[
            ("koukan-router", &[], include_str!("router.yaml")),
            ("koukan-gateway", &[], include_str!("gateway.yaml")),
        ],
    };
    let command = |(program, arguments, text): &(&str, &[&str], &str)| {
        let config = directory.path().join(format!("{program}.yaml"));
        let text = text
            .replace("FOLDER", &directory.path().display().to_string())
            .replace("INGRESS", &addresses.ingress.to_string())
            .replace("SUBMISSION", &addresses.submission.to_string())
            .replace("REST", &addresses.rest.to_string())
            .replace("GATEWAY", &addresses.gateway.to_string())
            .replace("SINK", &sink.to_string());
        fs::write(&config, text)?;
        let mut command = Command::new(binary(program)?);
        command.args(*arguments).arg("--config").arg(config);
        command.stdin(Stdio::null());
        Ok(command)
    };
    programs.iter().map(command).collect()
}

/// A binary beside this one.
fn binary(name: &str) -> Result<PathBuf, Failed> {
    let path = std::env::current_exe()?.with_file_name(name);
    if path.exists() {
        return Ok(path);
    }
    Err("the agent is not built; run `cargo build --release -p koukan` first".into())
}
