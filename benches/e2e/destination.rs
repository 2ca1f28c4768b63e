//! The sink as a process.

use std::{
    io::{BufRead, BufReader},
    net::{Ipv4Addr, SocketAddr},
    process::{Command, Stdio},
    sync::mpsc::{Receiver, sync_channel},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    Failed,
    process::{Process, await_listener},
    tls::{Handshakes, Identity},
};

/// What a sink expects.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected<'a> {
    pub(crate) messages: u32,
    /// Of each message.
    pub(crate) recipients: u32,
    /// The sink offers BDAT.
    pub(crate) is_chunking: bool,
    /// Whether the sink listens on all addresses of this machine, at its port.
    pub(crate) is_everywhere: bool,
    /// A header field that each message must have.
    pub(crate) field: Option<&'static str>,
    /// The sink offers TLS.
    pub(crate) tls: Option<(&'a Identity, Handshakes)>,
}

/// A running sink.
pub(crate) struct Destination {
    process: Process,
    lines: Receiver<(Instant, String)>,
}

impl Destination {
    pub(crate) fn start(address: SocketAddr, expected: Expected<'_>) -> Result<Self, Failed> {
        let mut command = Command::new(std::env::current_exe()?);
        let own = match expected.is_everywhere {
            true => SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), address.port()),
            false => address,
        };
        command.args(["sink", &own.to_string()]);
        command.args(["--messages", &expected.messages.to_string()]);
        command.args(["--recipients", &expected.recipients.to_string()]);
        if !expected.is_chunking {
            command.arg("--without-chunking");
        }
        if let Some(field) = expected.field {
            command.args(["--field", field]);
        }
        if let Some((identity, handshakes)) = expected.tls {
            command.arg("--tls").arg(identity.certificate());
            command.arg("--tls-key").arg(identity.key());
            if handshakes == Handshakes::Full {
                command.arg("--without-resumption");
            }
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Process::start(&mut command)?;
        let output = process.0.stdout.take().ok_or("the sink has no output")?;
        let (sender, lines) = sync_channel(4);
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send((Instant::now(), line)).is_err() {
                    break;
                }
            }
        });
        await_listener(address)?;
        Ok(Self { process, lines })
    }

    /// Waits until every message has arrived; `None` if that takes too long.
    pub(crate) fn await_all(&self, limit: Duration) -> Option<Instant> {
        let (at, _) = self.lines.recv_timeout(limit).ok()?;
        Some(at)
    }

    pub(crate) fn cpu_seconds(&self) -> f64 {
        self.process.cpu_seconds()
    }

    /// Ends the sink, and returns its report.
    ///
    /// # Errors
    ///
    /// If any message did not arrive exactly once, complete, and at its recipient.
    pub(crate) fn end(mut self) -> Result<Value, Failed> {
        drop(self.process.0.stdin.take());
        let lines = std::iter::from_fn(|| self.lines.recv_timeout(Duration::from_secs(20)).ok());
        let (_, report) = lines.last().ok_or("the sink told nothing")?;
        let report: Value = serde_json::from_str(&report)?;
        let count = |fault: &str| report[fault]["count"].as_u64();
        let are_right = ["lost", "duplicate", "damaged"].map(|fault| count(fault) == Some(0));
        if are_right == [true; 3] && report["foreign"] == 0 {
            Ok(report)
        } else {
            Err(format!("what arrived is not what was sent: {report}").into())
        }
    }
}
