//! A long queue: how soon an agent starts with it and answers requests about it, and how soon the
//! queue is delivered while one of three hosts accepts connections and says nothing.
//!
//! Fails if an operator waits longer than is promised for 100,000 messages.

mod agent;
mod bounds;

use std::{
    net::{SocketAddr, TcpListener},
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use clap::Args;
use serde_json::Value;

use crate::{
    Failed,
    destination::{Destination, Expected},
    http::Request,
    process::free_address,
};

use self::{agent::Agent, bounds::Bounds};

/// When each message is due, at the latest.
const DUE: Duration = Duration::from_secs(6);
/// How long the last message may take to arrive.
const PATIENCE: Duration = Duration::from_secs(300);

/// How long the queue is.
#[derive(Debug, Args)]
pub(crate) struct Backlog {
    /// Messages in the queue, a tenth of them for the host that hangs.
    #[arg(long, default_value_t = 100_000)]
    messages: u32,
    /// Octets of a message.
    #[arg(long, default_value_t = 5_000)]
    size: usize,
    /// How often each question is asked.
    #[arg(long, default_value_t = 20)]
    repeats: u32,
}

/// Requests of operators: pages, and searches with hits everywhere and with none.
const QUESTIONS: &[(&str, &str)] = &[
    ("a page of 100", "limit=100"),
    ("by state", "limit=100&state=waiting"),
    ("by recipient", "recipient=m100-0@example.com"),
    ("by recipient, no hit", "recipient=nobody@example.org"),
    ("by domain", "limit=100&domain=example.com"),
    ("by domain, no hit", "domain=example.org"),
    ("by reverse-path, no hit", "mail_from=nobody@example.org"),
    (
        "by words of the last reply, no hit",
        "reply=mailbox%20unavailable",
    ),
];

impl Backlog {
    pub(crate) fn run(&self) -> Result<(), Failed> {
        let hosts = [free_address()?, free_address()?, free_address()?];
        let mut agent = Agent::start(hosts)?;
        let hanging = self.messages / 10;
        // Half of all is for one host.
        let half = self.messages / 2;
        let counts = [half, self.messages - half - hanging, hanging];
        let delivered = counts[0] + counts[1];
        for (entry, messages) in agent.entries.iter().zip(counts) {
            self.store(*entry, messages)?;
        }
        let start = agent.restart()?;
        println!(
            "start with {} messages: {} ms",
            self.messages,
            start.as_millis()
        );
        let mut bounds = Bounds::default();
        for (what, query) in QUESTIONS {
            let mut times = Vec::new();
            for _ in 0..self.repeats.max(1) {
                times.push(ask(agent.rest, query)?);
            }
            times.sort_unstable();
            let [median, longest] = [times.len() / 2, times.len() - 1].map(|at| times[at]);
            println!(
                "{what}: {} ms, at most {} ms",
                millis(median),
                millis(longest)
            );
            bounds.question(what, median);
        }
        let took = retry(agent.rest, half)?;
        println!("retry of {half} messages by filter: {} ms", millis(took));
        bounds.bulk("retry by filter", took);
        // All messages must be due before the two hosts are up.
        agent.pause();
        let mute = TcpListener::bind(hosts[2])?;
        let destinations = [
            Destination::start(hosts[0], expected(counts[0]))?,
            Destination::start(hosts[1], expected(counts[1]))?,
        ];
        sleep(DUE);
        let (start, cpu) = (Instant::now(), agent.cpu_seconds());
        agent.resume();
        let mut last = start;
        for destination in &destinations {
            let all = destination.await_all(PATIENCE);
            last = last.max(all.ok_or("messages did not arrive")?);
        }
        let seconds = (last - start).as_secs_f64();
        let cpu = agent.cpu_seconds() - cpu;
        println!(
            "drain of {} messages to two hosts while a third hangs: {:.1} s, {:.0} messages/s; \
             {:.2} s of the agent's processor time for 1000; resident memory at most {:.0} MiB",
            delivered,
            seconds,
            f64::from(delivered) / seconds,
            cpu * 1000.0 / f64::from(delivered),
            agent.peak_mib(),
        );
        for destination in destinations {
            destination.end()?;
        }
        drop(mute);
        bounds.end()
    }

    /// Sends messages that are to be queued.
    fn store(&self, entry: SocketAddr, messages: u32) -> Result<(), Failed> {
        let output = Command::new(std::env::current_exe()?)
            .args(["generate", &entry.to_string(), "--sessions", "50"])
            .args(["--messages", &messages.to_string()])
            .args(["--size", &self.size.to_string()])
            .stderr(Stdio::inherit())
            .output()?;
        let result: Value = serde_json::from_slice(&output.stdout)?;
        match result["refused"].as_u64() {
            Some(0) => Ok(()),
            _ => Err(format!("messages were refused: {result}").into()),
        }
    }
}

fn expected(messages: u32) -> Expected<'static> {
    Expected {
        messages,
        recipients: 1,
        is_chunking: true,
        is_everywhere: false,
        field: None,
        tls: None,
    }
}

fn ask(rest: SocketAddr, query: &str) -> Result<Duration, Failed> {
    let start = Instant::now();
    let answer = Request::new("GET", &format!("/queue?{query}")).send(rest)?;
    match answer.status {
        200 => Ok(start.elapsed()),
        status => Err(format!("{query}: {status}: {}", answer.text()).into()),
    }
}

/// Has what is for the first host attempted now: how long that takes. Some of it may be under way just then.
fn retry(rest: SocketAddr, messages: u32) -> Result<Duration, Failed> {
    let start = Instant::now();
    let answer = Request::new("POST", "/queue/retry?sender=out-one").send(rest)?;
    let took = start.elapsed();
    if answer.status != 200 {
        return Err(format!("retry: {}: {}", answer.status, answer.text()).into());
    }
    let changed = answer.json()?;
    match changed["matched"].as_u64() {
        Some(matched) if matched >= u64::from(messages) => Ok(took),
        _ => Err(format!("not all messages were found: {changed}").into()),
    }
}

fn millis(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1000.0)
}
