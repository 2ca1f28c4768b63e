//! The cases, and one run of each.

use std::{
    io::Read,
    net::SocketAddr,
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use clap::Args;
use serde_json::{Value, json};

use crate::{
    Failed,
    agent::Agent,
    process::{Process, await_listener, free_address},
};

/// Which cases to run, and how.
#[derive(Debug, Args)]
pub(crate) struct Matrix {
    /// Only the case of this name.
    #[arg(long)]
    case: Option<String>,
    /// A tenth of the messages.
    #[arg(long)]
    quick: bool,
    /// Prints a JSON object for each case as well.
    #[arg(long)]
    json: bool,
}

struct Case {
    name: &'static str,
    sessions: u32,
    messages: u32,
    size: usize,
    recipients: u32,
    options: &'static [&'static str],
    /// The sink is down while the messages are sent.
    is_stored: bool,
}

const fn case(name: &'static str, sessions: u32, messages: u32, size: usize) -> Case {
    Case {
        name,
        sessions,
        messages,
        size,
        recipients: 1,
        options: &[],
        is_stored: false,
    }
}

const CASES: &[Case] = &[
    case("kept", 10, 30_000, 5_000),
    Case {
        options: &["--pipelining"],
        ..case("pipelined", 10, 30_000, 5_000)
    },
    Case {
        options: &["--new-connections"],
        ..case("new", 10, 15_000, 5_000)
    },
    Case {
        recipients: 10,
        ..case("recipients", 10, 3_000, 5_000)
    },
    case("100k", 10, 5_000, 100_000),
    case("10m", 5, 100, 10_000_000),
    case("isolated", 1, 2_000, 5_000),
    Case {
        is_stored: true,
        ..case("stored", 50, 30_000, 5_000)
    },
    case("memory", 20, 60, 25 << 20),
];

impl Matrix {
    pub(crate) fn run(&self) -> Result<(), Failed> {
        println!(
            "{:<11}{:>9}{:>9}{:>9}{:>10}{:>9}{:>10}{:>10}{:>9}",
            "case",
            "msg/s",
            "p50 ms",
            "p99 ms",
            "ceiling/s",
            "ratio",
            "cpu s/1k",
            "peak MiB",
            "drain/s"
        );
        let wanted = |case: &&Case| self.case.as_ref().is_none_or(|name| name == case.name);
        for case in CASES.iter().filter(wanted) {
            let result = self.measure(case)?;
            let number = |key: &str| result[key].as_f64().unwrap_or(0.0);
            println!(
                "{:<11}{:>9.0}{:>9.2}{:>9.2}{:>10.0}{:>8.0}%{:>10.3}{:>10.1}{:>9.0}",
                case.name,
                number("per_second"),
                number("p50_ms"),
                number("p99_ms"),
                number("ceiling"),
                100.0 * number("per_second") / number("ceiling").max(1.0),
                number("cpu_per_1000"),
                number("peak_mib"),
                number("drained_per_second"),
            );
            if self.json {
                println!("{result}");
            }
        }
        Ok(())
    }

    fn measure(&self, case: &Case) -> Result<Value, Failed> {
        let messages = if self.quick {
            case.messages.div_ceil(10)
        } else {
            case.messages
        };
        let sink_address = free_address()?;
        let ceiling = {
            let sink = start_sink(sink_address)?;
            let ceiling = generate(case, messages, sink_address)?;
            end_sink(sink)?;
            ceiling["per_second"].clone()
        };
        let mut sink = match case.is_stored {
            true => None,
            false => Some(start_sink(sink_address)?),
        };
        let agent = Agent::start(sink_address)?;
        let address = match case.is_stored {
            true => agent.submission,
            false => agent.ingress,
        };
        let before = agent.process.cpu_seconds();
        let mut result = generate(case, messages, address)?;
        let expected = u64::from(messages * case.recipients);
        if case.is_stored {
            let start = Instant::now();
            sink = Some(start_sink(sink_address)?);
            // What waits for its next attempt is not the agent's slowness.
            let drained = drain(&agent, start)?;
            result["drained_per_second"] = json!(expected as f64 / drained.as_secs_f64());
        }
        let sink = sink.ok_or("no sink")?;
        let cpu = agent.process.cpu_seconds() - before;
        result["case"] = json!(case.name);
        result["ceiling"] = ceiling;
        result["agent_cpu_per_1000"] = json!(cpu / f64::from(messages) * 1000.0);
        let others = result["generator_cpu"].as_f64().unwrap_or(0.0) + sink.cpu_seconds();
        result["cpu_per_1000"] = json!((cpu + others) / f64::from(messages) * 1000.0);
        result["peak_mib"] = json!(agent.process.peak_memory());
        result["written_mib"] = json!(agent.process.written());
        let (arrived, duplicates) = end_sink(sink)?;
        if arrived != expected || duplicates > 0 {
            return Err(format!(
                "{}: {arrived} of {expected} arrived, {duplicates} more than once",
                case.name
            )
            .into());
        }
        Ok(result)
    }
}

/// Waits until the agent has nothing left to do: its processor time stands still for a while.
fn drain(agent: &Agent, start: Instant) -> Result<Duration, Failed> {
    let mut last = (agent.process.cpu_seconds(), Instant::now());
    // The first attempt after the failure is made within the retry time.
    while start.elapsed() < Duration::from_secs(120) {
        sleep(Duration::from_millis(50));
        let now = agent.process.cpu_seconds();
        if now > last.0 {
            last = (now, Instant::now());
        } else if last.1.elapsed() > Duration::from_secs(7) {
            return Ok(last.1 - start);
        }
    }
    Err("the queue was not drained within two minutes".into())
}

fn start_sink(address: SocketAddr) -> Result<Process, Failed> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["sink", &address.to_string()]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let sink = Process::start(&mut command)?;
    await_listener(address)?;
    Ok(sink)
}

/// Ends the sink; how many messages it got, and how many of them more than once.
fn end_sink(mut sink: Process) -> Result<(u64, u64), Failed> {
    drop(sink.0.stdin.take());
    let mut counts = String::new();
    let output = sink.0.stdout.as_mut().ok_or("the sink has no output")?;
    output.read_to_string(&mut counts)?;
    let (arrived, duplicates) = counts
        .trim()
        .split_once(' ')
        .ok_or("the sink counted nothing")?;
    Ok((arrived.parse()?, duplicates.parse()?))
}

fn generate(case: &Case, messages: u32, address: SocketAddr) -> Result<Value, Failed> {
    let output = Command::new(std::env::current_exe()?)
        .args(["generate", &address.to_string()])
        .args(["--sessions", &case.sessions.to_string()])
        .args(["--messages", &messages.to_string()])
        .args(["--size", &case.size.to_string()])
        .args(["--recipients", &case.recipients.to_string()])
        .args(case.options)
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("{}: the generator failed", case.name).into());
    }
    let result: Value = serde_json::from_slice(&output.stdout)?;
    match result["refused"].as_u64() {
        Some(0) => Ok(result),
        refused => Err(format!("{}: {refused:?} messages were refused", case.name).into()),
    }
}
