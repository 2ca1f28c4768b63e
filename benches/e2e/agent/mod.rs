//! The agent under test, in one process or in two.

mod addresses;
mod commands;
mod filters;
mod sides;
mod traced;

use std::net::SocketAddr;

use tempfile::TempDir;

use crate::{
    Failed,
    process::{Process, peak_mib, resident_mib, signal, written_kib},
    server::{Entry, Server},
    tls::{Handshakes, Identity},
};

use self::{addresses::Addresses, commands::commands};
pub(crate) use self::{commands::binary, filters::make_key, traced::TracedAgent};

/// How an agent is set up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setup<'a> {
    pub(crate) shape: Shape,
    /// Whether clients are offered TLS, and the sink must use it.
    pub(crate) tls: Option<(&'a Identity, Handshakes)>,
    /// The DNS server that it asks.
    pub(crate) dns: Option<SocketAddr>,
    /// Whether mail goes to the hosts that the DNS names, at the sink's port, instead of always to the sink.
    pub(crate) is_by_domain: bool,
}

impl From<Shape> for Setup<'_> {
    /// Without TLS and without the DNS.
    fn from(shape: Shape) -> Self {
        Self {
            shape,
            tls: None,
            dns: None,
            is_by_domain: false,
        }
    }
}

/// The parts of which the agent consists.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// `koukan run` alone.
    Whole,
    /// The same, with twenty rules in its chains that let everything pass.
    Filtered,
    /// The same, and signs messages.
    Signed,
    /// The same, and checks messages with SPF, DKIM and DMARC, and writes the results into them.
    Checked,
    /// `koukan-router` and `koukan-gateway`, with HTTP between them.
    Split,
}

/// An agent with a queue of its own.
pub(crate) struct Agent {
    processes: Vec<Process>,
    addresses: Addresses,
    _directory: TempDir,
}

impl Agent {
    pub(crate) fn start(setup: Setup<'_>, sink: SocketAddr) -> Result<Self, Failed> {
        let directory = tempfile::tempdir()?;
        let addresses = Addresses::choose()?;
        let commands = commands(setup, &directory, &addresses, sink)?;
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

    fn cpu_seconds(&self) -> Vec<f64> {
        self.processes.iter().map(Process::cpu_seconds).collect()
    }

    fn memory_mib(&self) -> Vec<f64> {
        let processes = self.processes.iter();
        processes.map(|process| peak_mib(process.id())).collect()
    }

    fn written_kib(&self) -> Option<f64> {
        let processes = self.processes.iter();
        Some(processes.map(|process| written_kib(process.id())).sum())
    }

    fn proportional_mib(&self) -> Option<f64> {
        let each = self
            .processes
            .iter()
            .map(|process| resident_mib(process.id()));
        Some(each.map(|(_, proportional)| proportional).sum())
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
