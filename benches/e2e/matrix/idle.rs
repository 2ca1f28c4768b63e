//! Idle TLS connections: how much memory they take, and how soon new clients are greeted meanwhile.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    sync::Arc,
};

use serde_json::{Value, json};

use crate::{
    Failed,
    agent::{Agent, Setup, Shape},
    dns::Zone,
    postfix::{self, Job, Postfix},
    process::{Process, free_address},
    server::{Entry, Server},
    tls::{Handshakes, Identity},
};

use super::Matrix;

pub(super) const NAME: &str = "idle";

const CONNECTIONS: u32 = 5_000;
/// Postfix has a process for each connection, and at most a hundred by default.
const CONNECTIONS_OF_POSTFIX: u32 = 90;

impl Matrix {
    /// Measures the agent with its connections, and Postfix with as many as it has processes for.
    pub(super) fn idle(&self) -> Result<Value, Failed> {
        let identity = Identity::make()?;
        let tls = Some((&identity, Handshakes::Kept));
        // Nobody listens there, and nothing is sent.
        let sink = free_address()?;
        let setup = Setup {
            tls,
            ..Shape::Whole.into()
        };
        let connections = match self.quick {
            true => CONNECTIONS.div_ceil(10),
            false => CONNECTIONS,
        };
        let agent = Agent::start(setup, sink)?;
        let mut result = hold(&agent, &identity, connections)?;
        result["case"] = json!(NAME);
        drop(agent);
        if !self.without_postfix && Postfix::is_possible() {
            let zone = Arc::new(Zone::default());
            let setup = postfix::Setup {
                job: Job::Relay,
                tls,
                zone: &zone,
                // No name is looked up.
                dns: sink,
            };
            match Postfix::start(setup, sink)
                .and_then(|postfix| hold(&postfix, &identity, CONNECTIONS_OF_POSTFIX))
            {
                Ok(other) => {
                    result["postfix_kib_each"] = other["kib_each"].clone();
                    result["postfix"] = other;
                }
                // A failure of Postfix is not the agent's fault.
                Err(error) => eprintln!("{NAME} by way of Postfix: {error}"),
            }
        }
        Ok(result)
    }
}

/// The memory that a server takes for each connection, and how soon it greets new clients.
fn hold(server: &impl Server, identity: &Identity, connections: u32) -> Result<Value, Failed> {
    let memory = || server.proportional_mib().ok_or("its memory is not known");
    let before = memory()?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["hold", &server.address(Entry::Ingress).to_string()]);
    command.arg("--tls").arg(identity.certificate());
    command.args(["--connections", &connections.to_string()]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    // It holds the connections until it is ended.
    let mut holder = Process::start(&mut command)?;
    let output = holder.0.stdout.take().ok_or("it has no output")?;
    let mut told = String::new();
    BufReader::new(output).read_line(&mut told)?;
    if told.is_empty() {
        return Err(format!("there are not {connections} connections").into());
    }
    let mut result: Value = serde_json::from_str(&told)?;
    let after = memory()?;
    result["kib_each"] = json!((after - before) * 1024.0 / f64::from(connections));
    result["peak_mib"] = json!(after);
    Ok(result)
}
