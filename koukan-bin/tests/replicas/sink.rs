//! The sink for all mail: an SMTP server that shares no code with the agent, and writes down what
//! it accepts.
//!
//! A recipient's address says what the sink does: `…-a@` is accepted, `…-w@` after a moment, and
//! `…-d@` is deferred the first time.

use std::{
    collections::HashSet,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    time::sleep,
};

use crate::ledger::{Delivery, Ledger};

/// How long `w` takes.
const LATE: Duration = Duration::from_millis(300);

#[derive(Clone)]
struct Sink {
    ledger: Arc<Ledger>,
    /// The recipients that were already deferred.
    deferred: Arc<Mutex<HashSet<String>>>,
}

/// Starts it on this runtime.
pub(crate) async fn start(ledger: &Arc<Ledger>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let sink = Sink {
        ledger: Arc::clone(ledger),
        deferred: Arc::default(),
    };
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let sink = sink.clone();
            // Clients that are killed break off their sessions.
            tokio::spawn(async move {
                let _ = sink.converse(stream).await;
            });
        }
    });
    address
}

impl Sink {
    async fn converse(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let (input, mut output) = stream.into_split();
        let mut input = BufReader::new(input);
        output.write_all(b"220 sink.example\r\n").await?;
        let (mut client, mut begun) = (String::new(), Instant::now());
        let mut recipients: Vec<String> = Vec::new();
        loop {
            let mut line = String::new();
            if input.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
            let reply = match verb.as_str() {
                "EHLO" => {
                    client = line[5..].trim_end().to_owned();
                    "250-sink.example\r\n250-PIPELINING\r\n250 8BITMIME"
                }
                "MAIL" | "RSET" | "NOOP" => {
                    recipients.clear();
                    begun = Instant::now();
                    "250 ok"
                }
                "RCPT" => {
                    let to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                    if to.contains("-d@") && self.deferred.lock().unwrap().insert(to.clone()) {
                        "450 4.2.1 later"
                    } else {
                        recipients.push(to);
                        "250 ok"
                    }
                }
                "DATA" if recipients.is_empty() => "503 no recipients",
                "DATA" => {
                    output.write_all(b"354 go on\r\n").await?;
                    let Some(message) = message(&mut input).await? else {
                        return Ok(());
                    };
                    if recipients.iter().any(|to| to.contains("-w@")) {
                        sleep(LATE).await;
                    }
                    // The delivery is written down before the reply is sent, so whoever gets the
                    // reply finds it in the ledger.
                    for to in recipients.drain(..) {
                        let delivery = Delivery::new(begun, &client, &message);
                        self.ledger.delivered(&to, delivery, &message);
                    }
                    "250 taken"
                }
                // QUIT
                _ => return Ok(()),
            };
            output.write_all(format!("{reply}\r\n").as_bytes()).await?;
        }
    }
}

/// The message up to the dot; `None` if the client breaks off.
async fn message(input: &mut (impl AsyncBufReadExt + Unpin)) -> io::Result<Option<String>> {
    let mut message = String::new();
    loop {
        let start = message.len();
        if input.read_line(&mut message).await? == 0 {
            return Ok(None);
        }
        if &message[start..] == ".\r\n" {
            message.truncate(start);
            return Ok(Some(message));
        }
    }
}
