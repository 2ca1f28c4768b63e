//! An SMTP server whose unfriendliness can be set.

#![allow(clippy::disallowed_methods, reason = "real servers take real time")]

use std::{
    collections::{HashMap, HashSet},
    io::{self, BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// The behaviour of the server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    /// How many connections it serves at the same time; others are greeted with 421.
    pub(crate) connections: usize,
    /// How long it waits before it greets.
    pub(crate) greets_after: Duration,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            connections: usize::MAX,
            greets_after: Duration::ZERO,
        }
    }
}

/// A running server. It permanently refuses recipients whose name begins with `no`, and transiently
/// refuses those whose name begins with `later` the first time.
pub(crate) struct Host {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

/// What has come so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// Connections that are being served.
    pub(crate) open: usize,
    /// Connections that were served.
    pub(crate) connections: usize,
    /// Connections that were greeted with 421.
    pub(crate) turned_away: usize,
    /// Messages that were accepted.
    pub(crate) transactions: usize,
    /// Recipients that were accepted by RCPT.
    pub(crate) recipients: usize,
    /// How many copies were accepted for each recipient.
    pub(crate) copies: HashMap<String, usize>,
    /// Who was refused, and how often.
    pub(crate) refused: HashMap<String, usize>,
    /// Recipients that were refused once and must be tried again.
    later: HashSet<String>,
}

impl Host {
    pub(crate) fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
        };
        let seen = Arc::clone(&host.seen);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let seen = Arc::clone(&seen);
                thread::spawn(move || serve(&stream, manner, &seen));
            }
        });
        host
    }

    /// What has come so far.
    pub(crate) fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }
}

/// What ends a session is the client's concern.
fn serve(stream: &TcpStream, manner: Manner, seen: &Mutex<Seen>) {
    let is_welcome = {
        let mut seen = seen.lock().unwrap();
        let is_welcome = seen.open < manner.connections;
        match is_welcome {
            true => {
                seen.open += 1;
                seen.connections += 1;
            }
            false => seen.turned_away += 1,
        }
        is_welcome
    };
    if !is_welcome {
        let _ = (&*stream).write_all(b"421 4.7.0 too many connections\r\n");
        return;
    }
    thread::sleep(manner.greets_after);
    // Each reply is sent at once.
    let _ = stream.set_nodelay(true);
    let _ = converse(stream, seen);
    seen.lock().unwrap().open -= 1;
}

fn converse(stream: &TcpStream, seen: &Mutex<Seen>) -> io::Result<()> {
    let mut lines = BufReader::new(stream);
    let say = |reply: &str| (&*stream).write_all(format!("{reply}\r\n").as_bytes());
    say("220 host.example")?;
    let mut to = Vec::new();
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let line = line.trim_end();
        match line.get(..4).unwrap_or_default() {
            "EHLO" => say("250-host.example\r\n250-8BITMIME\r\n250 PIPELINING")?,
            "RCPT" => {
                let mailbox = line.split(['<', '>']).nth(1).unwrap_or_default();
                let reply = seen.lock().unwrap().reply_to(mailbox);
                if reply.starts_with('2') {
                    to.push(mailbox.to_owned());
                }
                say(reply)?;
            }
            "DATA" if to.is_empty() => say("503 5.5.1 nobody to send it to")?,
            "DATA" => {
                say("354 go on")?;
                let mut line = String::new();
                while line != ".\r\n" {
                    line.clear();
                    if lines.read_line(&mut line)? == 0 {
                        return Ok(());
                    }
                }
                seen.lock().unwrap().take(to.drain(..));
                say("250 2.0.0 taken")?;
            }
            "QUIT" => return say("221 2.0.0 bye"),
            _ => {
                to.clear();
                say("250 2.0.0 fine")?;
            }
        }
    }
}

impl Seen {
    fn reply_to(&mut self, mailbox: &str) -> &'static str {
        let is_later = mailbox.starts_with("later") && self.later.insert(mailbox.to_owned());
        let reply = match mailbox.starts_with("no") {
            true => "550 5.1.1 nobody",
            false if is_later => "450 4.2.1 later",
            false => {
                self.recipients += 1;
                return "250 2.1.5 fine";
            }
        };
        *self.refused.entry(mailbox.to_owned()).or_default() += 1;
        reply
    }

    fn take(&mut self, to: impl Iterator<Item = String>) {
        self.transactions += 1;
        for mailbox in to {
            *self.copies.entry(mailbox).or_default() += 1;
        }
    }
}
