//! An agent over a database that others may share.

use std::{
    fs,
    net::SocketAddr,
    process::{Command, Stdio},
};

use tempfile::TempDir;

use crate::{
    Failed,
    agent::binary,
    process::{Process, await_listener, free_address, signal},
};

/// How many of its connections an agent uses to write messages, by default.
pub(super) const WRITERS: u32 = 4;

pub(super) struct Agent {
    process: Process,
    submission: SocketAddr,
    _directory: TempDir,
}

impl Agent {
    pub(super) fn start(database: &str, sink: SocketAddr) -> Result<Self, Failed> {
        let directory = tempfile::tempdir()?;
        let submission = free_address()?;
        let text = include_str!("agent.yaml")
            .replace("URL", database)
            .replace("SUBMISSION", &submission.to_string())
            .replace("SINK", &sink.to_string());
        let config = directory.path().join("koukan.yaml");
        fs::write(&config, text)?;
        let mut command = Command::new(binary("koukan")?);
        command.arg("run").arg("--config").arg(config);
        command.stdin(Stdio::null());
        let process = Process::start(&mut command)?;
        await_listener(submission)?;
        Ok(Self {
            process,
            submission,
            _directory: directory,
        })
    }

    pub(super) fn submission(&self) -> SocketAddr {
        self.submission
    }

    pub(super) fn cpu_seconds(&self) -> f64 {
        self.process.cpu_seconds()
    }

    /// Stops it in good order.
    pub(super) fn stop(mut self) -> Result<(), Failed> {
        signal(self.process.id(), "TERM");
        self.process.0.wait()?;
        Ok(())
    }
}
