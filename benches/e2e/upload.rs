//! Uploads one large message by HTTP, in ranges, with interruptions, and measures the memory that this takes.

use std::{
    io::Write,
    net::{Shutdown, SocketAddr, TcpStream},
    process::{Command, Stdio},
    time::Instant,
};

use clap::Args;
use serde_json::{Value, json};

use crate::{
    Failed,
    agent::{Agent, Shape},
    http::{Answer, Request},
    process::{Process, await_listener, free_address},
    server::Server,
};

/// How large, and in what ranges.
#[derive(Debug, Args)]
pub(crate) struct Upload {
    /// Size of the message, in MiB.
    #[arg(long, default_value_t = 1024)]
    size: u64,
    /// Size of a range, in MiB.
    #[arg(long, default_value_t = 64)]
    range: u64,
    /// The sink is down: the message is queued.
    #[arg(long)]
    stored: bool,
}

const MIB: u64 = 1 << 20;

impl Upload {
    pub(crate) fn run(&self) -> Result<(), Failed> {
        let sink_address = free_address()?;
        let _sink = if self.stored {
            None
        } else {
            let mut command = Command::new(std::env::current_exe()?);
            command.arg("sink").arg(sink_address.to_string());
            command.stdin(Stdio::piped()).stdout(Stdio::null());
            let sink = Process::start(&mut command)?;
            await_listener(sink_address)?;
            Some(sink)
        };
        let agent = Agent::start(Shape::Whole.into(), sink_address)?;
        let before = peak(&agent);
        let start = Instant::now();
        let asked =
            json!({"mail_from": {"m": "a@example.com"}, "rcpt_to": [{"m": "b@example.com"}]});
        let path = "/senders/app/transactions";
        let created = Request::new("POST", path).json(&asked).send(agent.rest())?;
        let transaction = created.location().ok_or("no location")?;
        let len = self.size * MIB;
        let mut at = 0;
        let mut interruptions = 0;
        while at < len {
            let end = len.min(at + self.range * MIB);
            // Every third range breaks off halfway, once.
            let is_broken = interruptions <= at / (3 * self.range * MIB) && end < len;
            if is_broken {
                interruptions += 1;
                put(
                    agent.rest(),
                    &transaction,
                    at,
                    end,
                    len,
                    Some((end - at) / 2),
                )?;
            } else {
                put(agent.rest(), &transaction, at, end, len, None)?;
            }
            at = self.length(agent.rest(), &transaction, end, len)?;
        }
        let uploaded = start.elapsed();
        let end = Request::new("GET", &transaction)
            .wait(30)
            .send(agent.rest())?;
        let view: Value = end.json()?;
        println!(
            "{} MiB in ranges of {} MiB, {interruptions} broken off and resumed: {:.1} s, {:.0} MiB/s",
            self.size,
            self.range,
            uploaded.as_secs_f64(),
            self.size as f64 / uploaded.as_secs_f64(),
        );
        println!(
            "reply {}; resident memory at most {:.0} MiB, {before:.0} MiB before",
            view["data_response"]["code"],
            peak(&agent),
        );
        Ok(())
    }

    /// How much has arrived: a range that begins too late is refused with that number.
    fn length(
        &self,
        server: SocketAddr,
        transaction: &str,
        expected: u64,
        len: u64,
    ) -> Result<u64, Failed> {
        if expected == len {
            return Ok(len);
        }
        let told = Request::new("PUT", &format!("{transaction}/body"))
            .header("Content-Range", &format!("bytes {len}-{len}/*"))
            .content(b"x")
            .send(server)?;
        let range = told.header("content-range").unwrap_or_default();
        let length = range.rsplit('/').next().unwrap_or_default();
        Ok(length.parse()?)
    }
}

/// The agent's largest resident memory so far, in MiB.
fn peak(agent: &Agent) -> f64 {
    agent.memory_mib().iter().sum()
}

/// Writes a range, or the first octets of it.
fn put(
    server: SocketAddr,
    transaction: &str,
    start: u64,
    end: u64,
    total: u64,
    broken_off: Option<u64>,
) -> Result<(), Failed> {
    let mut stream = TcpStream::connect(server)?;
    let last = end - 1;
    write!(
        stream,
        "PUT {transaction}/body HTTP/1.1\r\nHost: {server}\r\nContent-Length: {}\r\nContent-Range: bytes {start}-{last}/{total}\r\nConnection: close\r\n\r\n",
        end - start
    )?;
    let line = [b'x'; 62].into_iter().chain(*b"\r\n");
    let chunk: Vec<u8> = line.collect::<Vec<_>>().repeat(4096);
    let mut left = broken_off.unwrap_or(end - start);
    while left > 0 {
        let now = usize::try_from(left)?.min(chunk.len());
        stream.write_all(&chunk[..now])?;
        left -= now as u64;
    }
    if broken_off.is_some() {
        stream.shutdown(Shutdown::Write)?;
        // The answer does not matter: for the server the connection is gone.
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
        return Ok(());
    }
    let answer = Answer::read(stream)?;
    if answer.status != 200 {
        return Err(format!("{}: {}", answer.status, answer.text()).into());
    }
    Ok(())
}
