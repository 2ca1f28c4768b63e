//! An agent whose syncs are counted.

use std::net::SocketAddr;

use tempfile::TempDir;

use crate::{
    Failed,
    process::Traced,
    server::{Entry, Server},
};

use super::{Setup, addresses::Addresses, commands::commands};

/// An agent whose syncs are counted; the counting makes it slower.
pub(crate) struct TracedAgent {
    processes: Vec<Traced>,
    addresses: Addresses,
    _directory: TempDir,
}

impl TracedAgent {
    pub(crate) fn start(setup: Setup<'_>, sink: SocketAddr) -> Result<Self, Failed> {
        let directory = tempfile::tempdir()?;
        let addresses = Addresses::choose()?;
        let commands = commands(setup, &directory, &addresses, sink)?;
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
