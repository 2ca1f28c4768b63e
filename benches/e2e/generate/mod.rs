//! Clients that send as fast as they are answered, or at fixed instants.

mod client;
mod rest;
mod schedule;
mod smtp;
mod tally;

use std::{
    net::SocketAddr,
    num::NonZeroU64,
    path::PathBuf,
    sync::{Arc, atomic::AtomicU64},
    thread,
    time::Instant,
};

use clap::Args;
use serde_json::{Value, json};
use tokio::{sync::Semaphore, task::JoinSet};

use crate::{Failed, message::Shape, process::cpu_seconds, tls::Counts};

pub(crate) use self::smtp::{begin_tls, greet};
use self::{client::Client, schedule::Schedule, tally::Tally};

/// What to send.
#[derive(Debug, Clone, Args)]
pub(crate) struct Load {
    /// The address to send to.
    pub(crate) address: SocketAddr,
    /// A further address; clients are spread over all addresses. May be given more than once.
    #[arg(long)]
    pub(crate) also: Vec<SocketAddr>,
    /// Clients at the same time.
    #[arg(long, default_value_t = 10)]
    pub(crate) sessions: u64,
    /// Messages in all.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) messages: u64,
    /// Octets of a message.
    #[arg(long, default_value_t = 5_000)]
    pub(crate) size: usize,
    /// Recipients of a message.
    #[arg(long, default_value_t = 1)]
    pub(crate) recipients: u64,
    /// The number of domains over which messages are spread; without it, all go to one domain.
    #[arg(long)]
    pub(crate) domains: Option<NonZeroU64>,
    /// A header field of each message, before all others.
    #[arg(long)]
    pub(crate) field: Option<String>,
    /// A new connection for each message.
    #[arg(long)]
    pub(crate) new_connections: bool,
    /// Sends MAIL, RCPT and DATA without waiting for each reply.
    #[arg(long)]
    pub(crate) pipelining: bool,
    /// Sends by HTTP, a whole transaction in each request.
    #[arg(long)]
    pub(crate) rest: bool,
    /// The sender on whose behalf messages are sent by HTTP.
    #[arg(long, default_value = "app")]
    pub(crate) sender: String,
    /// Seconds to wait for the outcome of a message sent by HTTP.
    #[arg(long)]
    pub(crate) wait: Option<u32>,
    /// Messages a second, sent when they are due whether or not earlier ones were answered.
    #[arg(long)]
    pub(crate) rate: Option<f64>,
    /// The most messages that are due and wait for a client.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) backlog: usize,
    /// Begins with TLS (STARTTLS) and trusts the certificate in this file.
    #[arg(long)]
    pub(crate) tls: Option<PathBuf>,
    /// Does not resume TLS sessions.
    #[arg(long)]
    pub(crate) without_resumption: bool,
}

impl Load {
    /// The shape of each message.
    fn shape(&self) -> Shape {
        let shape = Shape::new(self.size);
        match &self.field {
            Some(field) => shape.with_field(field),
            None => shape,
        }
    }

    pub(crate) fn run(&self) -> Result<(), Failed> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        println!("{}", runtime.block_on(self.send_all())?);
        Ok(())
    }

    /// The part of the load that one client sends.
    fn of(&self, session: u64) -> Self {
        let addresses = [&[self.address][..], &self.also].concat();
        let turn = session % addresses.len() as u64;
        Self {
            address: addresses[turn as usize],
            ..self.clone()
        }
    }

    /// Sends everything, and returns the report.
    pub(crate) async fn send_all(&self) -> Result<Value, Failed> {
        let next = Arc::new(AtomicU64::new(0));
        let permits = Arc::new(Semaphore::new(0));
        let start = Instant::now();
        let schedule = self.rate.map(|rate| Schedule::new(start, rate));
        let mut clients = JoinSet::new();
        let counts = Arc::new(Counts::default());
        for session in 0..self.sessions {
            let timing = schedule.map(|schedule| (schedule, Arc::clone(&permits)));
            let client = Client::new(&self.of(session), Arc::clone(&next), timing, &counts)?;
            clients.spawn(client.run());
        }
        let pacing = schedule.map(|schedule| {
            let (messages, backlog) = (self.messages, self.backlog);
            thread::spawn(move || schedule.release(messages, &permits, backlog))
        });
        let mut tally = Tally::default();
        while let Some(client) = clients.join_next().await {
            tally.merge(client??);
        }
        let seconds = start.elapsed().as_secs_f64();
        let backlog = pacing.map(|pacing| pacing.join().unwrap_or_default());
        if backlog > Some(self.backlog) {
            return Err("too many messages are due and wait for a client".into());
        }
        Ok(json!({
            "per_second": self.messages as f64 / seconds,
            "p50_ms": tally.latencies.percentile(0.5),
            "p99_ms": tally.latencies.percentile(0.99),
            "refused": tally.refused,
            "refused_ids": tally.refused_ids,
            "backlog": backlog,
            "generator_cpu": cpu_seconds("self"),
            "handshakes": self.tls.is_some().then(|| counts.report()),
        }))
    }
}
