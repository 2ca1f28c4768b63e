//! Clients that send one message after another, whatever happens.

mod steps;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle, sleep},
    time::Duration,
};

use serde_json::json;

use crate::{choices::Choices, client::Client, http::Request, ledger::Ledger, site::Clients};

const SMTP_CLIENTS: u32 = 5;
const REST_CLIENTS: u32 = 4;
const UPLOADING_CLIENTS: u32 = 2;
const CANCELLING_CLIENTS: u32 = 2;
/// The pause between two messages of a client, and before a message is sent again.
const PAUSE: Duration = Duration::from_millis(30);

pub(crate) struct Load {
    is_over: Arc<AtomicBool>,
    clients: Vec<JoinHandle<()>>,
}

struct Sender {
    name: String,
    seed: u64,
    clients: Clients,
    ledger: Arc<Ledger>,
    is_over: Arc<AtomicBool>,
}

/// A message; the same seed, client and number give the same message.
struct Letter {
    id: String,
    to: Vec<String>,
    text: String,
    /// Whether the client waits for the outcome, if it can.
    waits: bool,
}

impl Load {
    pub(crate) fn start(seed: u64, clients: &Clients, ledger: &Arc<Ledger>) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let sender = |name: String| Sender {
            name,
            seed,
            clients: clients.clone(),
            ledger: Arc::clone(ledger),
            is_over: Arc::clone(&is_over),
        };
        let smtp = (0..SMTP_CLIENTS).map(|number| {
            let sender = sender(format!("s{number}"));
            thread::spawn(move || sender.submit())
        });
        let rest = (0..REST_CLIENTS).map(|number| {
            let sender = sender(format!("c{number}"));
            thread::spawn(move || sender.create())
        });
        let uploading = (0..UPLOADING_CLIENTS).map(|number| {
            let sender = sender(format!("u{number}"));
            thread::spawn(move || sender.upload())
        });
        let cancelling = (0..CANCELLING_CLIENTS).map(|number| {
            let sender = sender(format!("k{number}"));
            thread::spawn(move || sender.cancel())
        });
        let clients = smtp
            .chain(rest)
            .chain(uploading)
            .chain(cancelling)
            .collect();
        Self { is_over, clients }
    }

    /// Lets each client finish what it has begun.
    pub(crate) fn stop(self) {
        self.is_over.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.join().unwrap();
        }
    }
}

impl Sender {
    fn letters(&self) -> impl Iterator<Item = Letter> + '_ {
        let letters = (0_u32..).map(|number| Letter::choose(self.seed, &self.name, number));
        let letters = letters.take_while(|_| !self.is_over());
        letters.inspect(|letter| {
            self.ledger.expect(&letter.to, &letter.id);
            sleep(PAUSE);
        })
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// Sends by SMTP; a message that breaks off is not sent again.
    fn submit(&self) {
        let mut session = None;
        for letter in self.letters() {
            while session.is_none() && !self.is_over() {
                session = Client::connect(self.clients.smtp).ok();
                if session.is_none() {
                    sleep(PAUSE);
                }
            }
            let Some(open) = &mut session else {
                return;
            };
            let to: Vec<_> = letter.to.iter().map(String::as_str).collect();
            let Ok(sent) = open.send_pipelined("a@example.org", &to, &letter.text) else {
                self.ledger.count("SMTP, broken off");
                session = None;
                continue;
            };
            let end = sent.message.as_deref().unwrap_or_default();
            for (to, rcpt) in to.into_iter().zip(&sent.rcpts) {
                match rcpt.starts_with('2') && end.starts_with('2') {
                    true => self.ledger.acknowledged(to, end),
                    false => self.ledger.refused(to, rcpt, end),
                }
            }
            // The server closes the connection.
            if sent
                .rcpts
                .iter()
                .map(String::as_str)
                .chain([end])
                .any(|said| said.starts_with("421"))
            {
                session = None;
            }
        }
    }

    /// Sends by REST; repeats the request under the same key until it is answered.
    fn create(&self) {
        for letter in self.letters() {
            let asked = json!({
                "mail_from": { "m": "a@example.org" },
                "rcpt_to": letter.to.iter().map(|to| json!({ "m": to })).collect::<Vec<_>>(),
                "body": { "inline": letter.text },
            });
            let mut request = Request::new("POST", "/senders/shop/transactions")
                .header("Authorization", &format!("Bearer {}", self.clients.token))
                .header("Idempotency-Key", &letter.id)
                .json(&asked);
            if letter.waits {
                request = request.header("Prefer", "wait=2");
            }
            loop {
                match request.send(self.clients.rest) {
                    Ok(answer) if answer.status == 201 => {
                        let is_replayed = answer.header("idempotency-replayed").is_some();
                        self.ledger.count(match is_replayed {
                            true => "REST, 201 again",
                            false => "REST, 201",
                        });
                        for to in &letter.to {
                            self.ledger.acknowledged(to, "201");
                        }
                        break;
                    }
                    // The agent or its database starts or stops, or no server is behind the front.
                    Ok(answer) if [429, 502, 503, 504].contains(&answer.status) => {
                        self.ledger.count(&format!("REST, {}", answer.status));
                    }
                    Ok(answer) => {
                        let (status, text) = (answer.status, answer.content());
                        self.ledger.wrong(format!("{}: {status} {text}", letter.id));
                        break;
                    }
                    Err(_) => self.ledger.count("REST, broken off"),
                }
                sleep(PAUSE);
            }
        }
    }
}

impl Letter {
    fn choose(seed: u64, client: &str, number: u32) -> Self {
        let mut choices = Choices::new(seed, client, number);
        let id = format!("{client}n{number}");
        // A transaction by REST has one reply for all recipients.
        let count = match client.starts_with('s') {
            true => choices.of(&[1, 1, 1, 2, 4]),
            false => 1,
        };
        let to = (0..count).map(|recipient| {
            let fate = choices.of(&['a', 'a', 'a', 'w', 'd']);
            format!("{id}r{recipient}-{fate}@example.com")
        });
        let to = to.collect();
        let lines = choices.of(&[5, 50, 50, 500]);
        Self {
            text: text(&id, lines),
            to,
            waits: choices.one_in(3),
            id,
        }
    }
}

fn text(id: &str, lines: usize) -> String {
    let line = format!("{id} 0123456789 abcdefghijklmnopqrstuvwxyz 0123456789\r\n");
    format!("Subject: {id}\r\n\r\n{}", line.repeat(lines))
}

/// Whether a message is complete and unchanged.
pub(crate) fn is_whole(id: &str, message: &str) -> bool {
    let Some(at) = message.find("Subject: ") else {
        return false;
    };
    [5, 50, 500]
        .iter()
        .any(|lines| text(id, *lines) == message[at..])
}
