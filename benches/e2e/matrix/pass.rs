//! One run of a case through one server.

use std::{
    net::SocketAddr,
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{Failed, process::free_address, server::Server};

use super::{case::Case, destination::Destination};

/// How long a queue may take to be drained.
const DRAIN: Duration = Duration::from_secs(120);
/// How long a message that comes twice may take to come again.
const AGAIN: Duration = Duration::from_millis(200);

/// So many messages of a case.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pass<'a> {
    pub(super) case: &'a Case,
    pub(super) messages: u32,
}

impl Pass<'_> {
    /// The generator straight to the sink.
    pub(super) fn direct(&self) -> Result<Value, Failed> {
        let address = free_address()?;
        let sink = Destination::start(address, self.case, self.messages)?;
        let result = self.generate(address)?;
        sink.await_all(DRAIN);
        sink.end()?;
        Ok(result)
    }

    /// Through a server, which is started with the sink's address.
    pub(super) fn through<S: Server>(
        &self,
        start: impl FnOnce(SocketAddr) -> Result<S, Failed>,
    ) -> Result<Value, Failed> {
        let address = free_address()?;
        let begin = || Destination::start(address, self.case, self.messages);
        let mut sink = match self.case.is_stored {
            true => None,
            false => Some(begin()?),
        };
        let server = start(address)?;
        let (cpu, written) = (server.cpu_seconds(), server.written_kib());
        let syncs = server.syncs();
        let before = Instant::now();
        let mut result = self.generate(server.address(self.case.entry))?;
        let mut memory = server.memory_mib();
        let per_message = |count: f64| count / f64::from(self.messages);
        if !self.case.is_stored || server.retries_soon() {
            let up = Instant::now();
            let is_late = sink.is_none();
            let sink = match sink.take() {
                Some(sink) => sink,
                None => begin()?,
            };
            let all = sink.await_all(DRAIN);
            let rate = |since: Instant| {
                let seconds = all.map(|all| (all - since).as_secs_f64());
                seconds.map(|seconds| f64::from(self.messages) / seconds)
            };
            match is_late {
                true => result["drained_per_second"] = json!(rate(up)),
                false => result["arrived_per_second"] = json!(rate(before)),
            }
            sleep(AGAIN);
            let others = result["generator_cpu"].as_f64().unwrap_or(0.0) + sink.cpu_seconds();
            let cpu = server.cpu_seconds() - cpu;
            result["agent_cpu_per_1000"] = json!(per_message(cpu) * 1000.0);
            result["cpu_per_1000"] = json!(per_message(cpu + others) * 1000.0);
            sink.end()?;
        }
        for (known, now) in memory.iter_mut().zip(server.memory_mib()) {
            *known = known.max(now);
        }
        result["peak_mib"] = json!(memory.iter().sum::<f64>());
        result["peak_mib_each"] = json!(memory);
        let written = server.written_kib().zip(written);
        result["written_kib"] = json!(written.map(|(now, before)| per_message(now - before)));
        let syncs = server.syncs().zip(syncs);
        result["syncs"] = json!(syncs.map(|(now, before)| per_message((now - before) as f64)));
        Ok(result)
    }

    fn generate(&self, address: SocketAddr) -> Result<Value, Failed> {
        let output = Command::new(std::env::current_exe()?)
            .args(["generate", &address.to_string()])
            .args(["--sessions", &self.case.sessions.to_string()])
            .args(["--messages", &self.messages.to_string()])
            .args(["--size", &self.case.size.to_string()])
            .args(["--recipients", &self.case.recipients.to_string()])
            .args(self.case.options)
            .stderr(Stdio::inherit())
            .output()?;
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
