//! An agent that is stopped and started again with the same queue.

use std::{
    fs,
    net::SocketAddr,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{
    Failed,
    agent::binary,
    process::{Process, await_listener, free_address, peak_mib, signal},
};

/// Three entries, for three hosts.
pub(super) const HOSTS: usize = 3;

pub(super) struct Agent {
    process: Process,
    pub(super) entries: [SocketAddr; HOSTS],
    pub(super) rest: SocketAddr,
    directory: TempDir,
}

impl Agent {
    pub(super) fn start(hosts: [SocketAddr; HOSTS]) -> Result<Self, Failed> {
        let directory = tempfile::tempdir()?;
        let rest = free_address()?;
        let entries = [free_address()?, free_address()?, free_address()?];
        let mut text = include_str!("agent.yaml")
            .replace("FOLDER", &directory.path().display().to_string())
            .replace("REST", &rest.to_string());
        for index in 0..HOSTS {
            text = text
                .replace(&format!("ENTRY{index}"), &entries[index].to_string())
                .replace(&format!("HOST{index}"), &hosts[index].to_string());
        }
        fs::write(directory.path().join("koukan.yaml"), text)?;
        let process = run(&directory)?;
        for entry in entries {
            await_listener(entry)?;
        }
        Ok(Self {
            process,
            entries,
            rest,
            directory,
        })
    }

    /// Stops the agent in good order and starts it again; returns how long it takes until
    /// everything listens.
    pub(super) fn restart(&mut self) -> Result<Duration, Failed> {
        signal(self.process.id(), "TERM");
        self.process.0.wait()?;
        let start = Instant::now();
        self.process = run(&self.directory)?;
        for address in self.entries.into_iter().chain([self.rest]) {
            await_listener(address)?;
        }
        Ok(start.elapsed())
    }

    pub(super) fn pause(&self) {
        signal(self.process.id(), "STOP");
    }

    pub(super) fn resume(&self) {
        signal(self.process.id(), "CONT");
    }

    pub(super) fn cpu_seconds(&self) -> f64 {
        self.process.cpu_seconds()
    }

    pub(super) fn peak_mib(&self) -> f64 {
        peak_mib(self.process.id())
    }
}

fn run(directory: &TempDir) -> Result<Process, Failed> {
    let mut command = Command::new(binary("koukan")?);
    let config = directory.path().join("koukan.yaml");
    command.arg("run").arg("--config").arg(config);
    command.stdin(Stdio::null());
    Process::start(&mut command)
}
