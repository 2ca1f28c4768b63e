//! One run of a case through one server.

use std::{
    net::{SocketAddr, TcpListener},
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    Failed,
    agent::{Setup, Shape},
    destination::{Destination, Expected},
    process::free_address,
    server::Server,
    tls::{Handshakes, Identity},
};

use super::{
    case::{Case, Sink},
    site::Site,
};

/// How long the last message may take to arrive.
const PATIENCE: Duration = Duration::from_secs(120);
/// When a failed message is retried, at the latest.
const RETRY: Duration = Duration::from_secs(6);
/// How long to wait for a message that arrives a second time.
const AGAIN: Duration = Duration::from_millis(200);

/// A run with this many messages of a case.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pass<'a> {
    pub(super) case: &'a Case,
    pub(super) messages: u32,
    /// The sink offers BDAT.
    pub(super) is_chunking: bool,
    /// Whether the feature that the case measures is left out.
    pub(super) is_plain: bool,
    pub(super) site: &'a Site,
}

impl<'a> Pass<'a> {
    /// How the agent is set up.
    pub(super) fn setup(&self) -> Setup<'a> {
        Setup {
            shape: match self.is_plain {
                true => Shape::Whole,
                false => self.case.shape,
            },
            tls: self.tls(),
            dns: Some(self.site.dns.address()),
            is_by_domain: self.case.domains.is_some(),
        }
    }

    /// TLS on both sides.
    pub(super) fn tls(&self) -> Option<(&'a Identity, Handshakes)> {
        let handshakes = self.case.tls.filter(|_| !self.is_plain);
        handshakes.map(|handshakes| (&self.site.identity, handshakes))
    }

    /// The generator sends directly to the sink.
    pub(super) fn direct(&self) -> Result<Value, Failed> {
        let address = free_address()?;
        let expected = Expected {
            field: None,
            ..self.expected()
        };
        let sink = Destination::start(address, expected)?;
        let result = self.generate(address)?;
        sink.await_all(PATIENCE);
        sink.end()?;
        Ok(result)
    }

    /// Through a server, which is started with the sink's address.
    pub(super) fn through<S: Server>(
        &self,
        start: impl FnOnce(SocketAddr) -> Result<S, Failed>,
    ) -> Result<Value, Failed> {
        let address = free_address()?;
        let mut sink = match self.case.sink {
            Sink::Up => Some(Destination::start(address, self.expected())?),
            Sink::Down | Sink::Mute => None,
        };
        let mute = match self.case.sink {
            Sink::Mute => Some(TcpListener::bind(address)?),
            Sink::Up | Sink::Down => None,
        };
        let server = start(address)?;
        let (cpu, written) = (server.cpu_seconds(), server.written_kib());
        let syncs = server.syncs();
        let before = Instant::now();
        let mut result = self.generate(server.address(self.case.entry))?;
        let mut memory = server.memory_mib();
        if let Some(sink) = &sink {
            result["arrived_per_second"] = json!(self.rate(before, sink));
        } else if let Some(mute) = mute {
            drop(mute);
            let late = Destination::start(address, self.expected())?;
            // Each of them is retried at its own time, so there is no rate to measure.
            late.await_all(PATIENCE);
            sink = Some(late);
        } else if server.retries_soon() {
            // All messages must be due when the sink is up.
            server.pause();
            let late = Destination::start(address, self.expected())?;
            sleep(RETRY);
            let before = Instant::now();
            server.resume();
            result["drained_per_second"] = json!(self.rate(before, &late));
            sink = Some(late);
        }
        sleep(AGAIN);
        let now = server.cpu_seconds();
        let cpu: Vec<_> = now
            .iter()
            .zip(&cpu)
            .map(|(now, before)| now - before)
            .collect();
        let generator = result["generator_cpu"].as_f64().unwrap_or_default();
        let others = generator + sink.as_ref().map_or(0.0, Destination::cpu_seconds);
        let later = server.memory_mib();
        if later.iter().sum::<f64>() > memory.iter().sum() {
            memory = later;
        }
        let per_message = |count: f64| count / f64::from(self.messages);
        let written = server.written_kib().zip(written);
        let syncs = server.syncs().zip(syncs);
        let all = others + cpu.iter().sum::<f64>();
        result["cpu_per_1000"] = json!(per_message(all) * 1000.0);
        result["server_cpu_seconds_each"] = json!(cpu);
        result["peak_mib"] = json!(memory.iter().sum::<f64>());
        result["peak_mib_each"] = json!(memory);
        result["proportional_mib"] = json!(server.proportional_mib());
        result["written_kib"] = json!(written.map(|(now, before)| per_message(now - before)));
        result["syncs"] = json!(syncs.map(|(now, before)| per_message((now - before) as f64)));
        if let Some(sink) = sink {
            result["sink_handshakes"] = sink.end()?["handshakes"].take();
        }
        Ok(result)
    }

    fn expected(&self) -> Expected<'a> {
        Expected {
            messages: self.messages,
            recipients: self.case.recipients,
            is_chunking: self.is_chunking,
            is_everywhere: self.case.domains.is_some(),
            field: self.case.field.filter(|_| !self.is_plain),
            tls: self.tls(),
        }
    }

    /// Messages a second until the last one has arrived.
    fn rate(&self, since: Instant, sink: &Destination) -> Option<f64> {
        let all = sink.await_all(PATIENCE)?;
        Some(f64::from(self.messages) / (all - since).as_secs_f64())
    }

    fn generate(&self, address: SocketAddr) -> Result<Value, Failed> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["generate", &address.to_string()])
            .args(["--sessions", &self.case.sessions.to_string()])
            .args(["--messages", &self.messages.to_string()])
            .args(["--size", &self.case.size.to_string()])
            .args(["--recipients", &self.case.recipients.to_string()])
            .args(self.case.options);
        if matches!(self.case.shape, Shape::Checked) {
            command.args(["--field", &self.site.signature.field]);
        }
        if let Some(domains) = self.case.domains {
            command.args(["--domains", &domains.count.to_string()]);
        }
        if let Some((identity, handshakes)) = self.tls() {
            command.arg("--tls").arg(identity.certificate());
            if handshakes == Handshakes::Full {
                command.arg("--without-resumption");
            }
        }
        let output = command.stderr(Stdio::inherit()).output()?;
        if !output.status.success() {
            return Err("the generator failed".into());
        }
        let result: Value = serde_json::from_slice(&output.stdout)?;
        match result["refused"].as_u64() {
            Some(0) => Ok(result),
            _ => Err(format!("messages were refused: {result}").into()),
        }
    }
}
