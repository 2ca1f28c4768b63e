//! REST clients that do more than create: they upload in ranges, cancel, and wait for the outcome.

use std::thread::sleep;

use serde_json::{Value, json};

use crate::http::{Answer, Request};

use super::{Letter, PAUSE, Sender};

/// In how many ranges a message is uploaded.
const RANGES: usize = 3;
/// How often something is asked for if there is no final answer. Each request waits, or there is a
/// pause before it.
const TRIES: usize = 400;

impl Sender {
    /// Uploads each message in ranges, and waits for its outcome.
    pub(super) fn upload(&self) {
        for letter in self.letters() {
            let Some(path) = self.create_empty(&letter) else {
                continue;
            };
            if !self.upload_ranges(&path, &letter.text) {
                continue;
            }
            for to in &letter.to {
                self.ledger.acknowledged(to, "uploaded");
            }
            self.ledger.count("REST, uploaded");
            match self.wait_for_end(&path).as_deref() {
                Some("delivered") => self.ledger.count("REST, heard that it is delivered"),
                Some(other) => self.ledger.wrong(format!("{path}: ends as {other}")),
                None => {}
            }
        }
    }

    /// Creates messages and cancels them at once.
    pub(super) fn cancel(&self) {
        for letter in self.letters() {
            let body = json!({ "inline": letter.text });
            let Some(path) = self.create_with(&letter, Some(body)) else {
                continue;
            };
            let cancel = format!("{path}/cancel");
            if self
                .ask(&cancel, || Request::new("POST", &cancel))
                .is_none()
            {
                continue;
            }
            match self.wait_for_end(&path).as_deref() {
                Some("cancelled") => {
                    self.ledger.count("REST, cancelled");
                    let to = letter.to.iter();
                    to.for_each(|to| self.ledger.cancelled(to));
                }
                // The message had already been sent.
                Some("delivered") => {
                    self.ledger.count("REST, too late to be cancelled");
                    let to = letter.to.iter();
                    to.for_each(|to| self.ledger.acknowledged(to, "delivered"));
                }
                Some(other) => self.ledger.wrong(format!("{path}: ends as {other}")),
                None => {}
            }
        }
    }

    fn create_empty(&self, letter: &Letter) -> Option<String> {
        self.create_with(letter, None)
    }

    /// Creates a transaction; returns its path.
    fn create_with(&self, letter: &Letter, body: Option<Value>) -> Option<String> {
        let mut asked = json!({
            "mail_from": { "m": "a@example.org" },
            "rcpt_to": letter.to.iter().map(|to| json!({ "m": to })).collect::<Vec<_>>(),
        });
        if let Some(body) = body {
            asked["body"] = body;
        }
        let created = self.ask(&letter.id, || {
            Request::new("POST", "/senders/shop/transactions")
                .header("Idempotency-Key", &letter.id)
                .json(&asked)
        })?;
        // The path tells the front which server has the transaction.
        let location = created.header("location")?;
        let (_, path) = location.split_once("://")?.1.split_once('/')?;
        Some(format!("/{path}"))
    }

    /// Uploads a message; returns whether all of it arrived. If something was lost, 416 says what
    /// is missing.
    fn upload_ranges(&self, path: &str, text: &str) -> bool {
        let (path, octets) = (format!("{path}/body"), text.as_bytes());
        let range = octets.len().div_ceil(RANGES);
        let mut start = 0;
        for _ in 0..TRIES {
            let end = octets.len().min(start + range);
            let told = format!("bytes {start}-{}/{}", end - 1, octets.len());
            let answer = self.ask(&path, || {
                Request::new("PUT", &path)
                    .header("Content-Range", &told)
                    .content(&octets[start..end])
            });
            let Some(answer) = answer else { return false };
            start = match answer.status {
                416 => {
                    self.ledger.count("REST, uploads that went on elsewhere");
                    match length_told(&answer) {
                        Some(len) => len,
                        None => {
                            let text = answer.text;
                            self.ledger
                                .wrong(format!("{path}: no length is told: {text}"));
                            return false;
                        }
                    }
                }
                _ => end,
            };
            if start >= octets.len() {
                return true;
            }
        }
        self.ledger.wrong(format!("{path}: never uploaded"));
        false
    }

    /// The final outcome of a transaction.
    fn wait_for_end(&self, path: &str) -> Option<String> {
        for _ in 0..TRIES {
            let answer = self.ask(path, || Request::get(path).header("request-timeout", "2"))?;
            if let Some(reason) = answer.json()["final_attempt_reason"].as_str() {
                return Some(reason.to_owned());
            }
            sleep(PAUSE);
        }
        self.ledger.wrong(format!("{path}: does not end"));
        None
    }

    /// Repeats a request until there is a final answer; `None` if that is an error.
    fn ask(&self, what: &str, request: impl Fn() -> Request) -> Option<Answer> {
        for _ in 0..TRIES {
            let bearer = format!("Bearer {}", self.clients.token);
            match request()
                .header("Authorization", &bearer)
                .send(self.clients.rest)
            {
                Ok(answer) if [200, 201, 416].contains(&answer.status) => return Some(answer),
                Ok(answer) if [429, 502, 503, 504].contains(&answer.status) => {
                    self.ledger.count(&format!("REST, {}", answer.status));
                }
                Ok(answer) => {
                    let (status, text) = (answer.status, answer.content());
                    self.ledger.wrong(format!("{what}: {status} {text}"));
                    return None;
                }
                Err(_) => self.ledger.count("REST, broken off"),
            }
            sleep(PAUSE);
        }
        self.ledger
            .wrong(format!("{:.80?}: is never answered", request()));
        None
    }
}

/// How much of an upload has arrived, according to 416.
fn length_told(answer: &Answer) -> Option<usize> {
    let told = answer.header("content-range")?;
    told.strip_prefix("bytes */")?.parse().ok()
}
