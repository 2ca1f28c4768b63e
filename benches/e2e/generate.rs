//! Clients that send as fast as they are answered.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use clap::Args;
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    task::JoinSet,
};

use crate::{Failed, histogram::Histogram, process};

/// What to send.
#[derive(Debug, Clone, Args)]
pub(crate) struct Load {
    /// Where to.
    pub(crate) address: SocketAddr,
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
    /// A new connection for each message.
    #[arg(long)]
    pub(crate) new_connections: bool,
    /// Sends MAIL, RCPT and DATA without waiting for each reply.
    #[arg(long)]
    pub(crate) pipelining: bool,
}

pub(crate) fn run(load: &Load) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let start = Instant::now();
    let (latencies, refused) = runtime.block_on(send_all(load))?;
    let seconds = start.elapsed().as_secs_f64();
    let result = json!({
        "per_second": load.messages as f64 / seconds,
        "p50_ms": latencies.percentile(0.5),
        "p99_ms": latencies.percentile(0.99),
        "refused": refused,
        "generator_cpu": process::cpu_seconds("self"),
    });
    println!("{result}");
    Ok(())
}

async fn send_all(load: &Load) -> Result<(Histogram, u64), Failed> {
    let next = Arc::new(AtomicU64::new(0));
    let message = Arc::new(message(load.size));
    let mut clients = JoinSet::new();
    for _ in 0..load.sessions {
        let client = Client {
            load: load.clone(),
            message: Arc::clone(&message),
            next: Arc::clone(&next),
            refused: 0,
            latencies: Histogram::default(),
        };
        clients.spawn(client.run());
    }
    let mut latencies = Histogram::default();
    let mut refused = 0;
    while let Some(client) = clients.join_next().await {
        let (of_one, refused_of_one) = client??;
        latencies.merge(&of_one);
        refused += refused_of_one;
    }
    Ok((latencies, refused))
}

/// A message that needs no dot-stuffing, with its end.
fn message(size: usize) -> Vec<u8> {
    let mut message = b"Subject: load\r\n\r\n".to_vec();
    while message.len() < size {
        message.extend_from_slice(
            b"0123456789012345678901234567890123456789012345678901234567890123456789\r\n",
        );
    }
    message
}

struct Client {
    load: Load,
    message: Arc<Vec<u8>>,
    next: Arc<AtomicU64>,
    refused: u64,
    latencies: Histogram,
}

impl Client {
    async fn run(mut self) -> Result<(Histogram, u64), Failed> {
        let mut connection = None;
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.load.messages {
                return Ok((self.latencies, self.refused));
            }
            let start = Instant::now();
            let mut stream = match connection.take() {
                Some(stream) => stream,
                None => connect(self.load.address).await?,
            };
            if !self.send(&mut stream, number).await? {
                self.refused += 1;
            }
            self.latencies.add(start.elapsed());
            if self.load.new_connections {
                stream.get_mut().write_all(b"QUIT\r\n").await?;
                reply(&mut stream).await?;
            } else {
                connection = Some(stream);
            }
        }
    }

    async fn send(&self, stream: &mut BufReader<TcpStream>, number: u64) -> Result<bool, Failed> {
        let mut commands = vec!["MAIL FROM:<load@example.org>\r\n".to_owned()];
        for recipient in 0..self.load.recipients {
            commands.push(format!("RCPT TO:<m{number}-{recipient}@example.com>\r\n"));
        }
        commands.push("DATA\r\n".into());
        let mut is_accepted = true;
        if self.load.pipelining {
            stream
                .get_mut()
                .write_all(commands.concat().as_bytes())
                .await?;
            for _ in &commands {
                is_accepted &= reply(stream).await? < 400;
            }
        } else {
            for command in &commands {
                stream.get_mut().write_all(command.as_bytes()).await?;
                is_accepted &= reply(stream).await? < 400;
            }
        }
        let start = format!("X-Load-Id: {number}\r\n");
        let mut whole = Vec::with_capacity(start.len() + self.message.len() + 3);
        whole.extend_from_slice(start.as_bytes());
        whole.extend_from_slice(&self.message);
        whole.extend_from_slice(b".\r\n");
        stream.get_mut().write_all(&whole).await?;
        is_accepted &= reply(stream).await? < 400;
        Ok(is_accepted)
    }
}

async fn connect(address: SocketAddr) -> Result<BufReader<TcpStream>, Failed> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    reply(&mut stream).await?;
    stream.get_mut().write_all(b"EHLO load.example\r\n").await?;
    reply(&mut stream).await?;
    Ok(stream)
}

async fn reply(stream: &mut BufReader<TcpStream>) -> Result<u16, Failed> {
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Err("the server closed the connection".into());
        }
        if line.as_bytes().get(3) != Some(&b'-') {
            return Ok(line.get(..3).unwrap_or_default().parse()?);
        }
    }
}
