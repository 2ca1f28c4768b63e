//! The ledger: what clients were told, what has arrived, and which troubles there were.

mod account;
mod rules;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
    time::Instant,
};

use crate::{
    load::is_whole,
    plan::{What, Whom},
};

pub(crate) use self::account::Account;

#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<Pages>);

#[derive(Debug, Default)]
struct Pages {
    entries: BTreeMap<String, Entry>,
    troubles: Vec<Happening>,
    counts: BTreeMap<String, usize>,
    wrong: Vec<String>,
    notes: Vec<String>,
}

/// One recipient.
#[derive(Debug, Default)]
struct Entry {
    /// The id of the message.
    id: String,
    acknowledged: Option<Instant>,
    /// Whether the client was told that the transaction is cancelled.
    is_cancelled: bool,
    deliveries: Vec<Delivery>,
}

/// A message to which the sink has replied 250.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    /// When its transaction began.
    begun: Instant,
    /// The time of that reply.
    at: Instant,
    /// The router and the gateway through which it came, and their runs.
    router: Option<usize>,
    gateway: Option<usize>,
    by: String,
}

/// A trouble that has begun, and may have ended.
#[derive(Debug, Clone)]
struct Happening {
    whom: Whom,
    what: What,
    begun: Instant,
    ended: Option<Instant>,
}

impl Delivery {
    pub(crate) fn new(begun: Instant, client: &str, message: &str) -> Self {
        // The first one is from the router that has made the attempt.
        let by = message.split_whitespace().skip_while(|word| *word != "by");
        let router = by.take(2).nth(1).unwrap_or_default();
        Self {
            begun,
            at: Instant::now(),
            router: number(router, "router-"),
            gateway: number(client, "gateway-"),
            by: format!("{router} and {client}"),
        }
    }
}

/// The number in a name such as `router-1-run-2.example`.
fn number(name: &str, kind: &str) -> Option<usize> {
    name.strip_prefix(kind)?.split('-').next()?.parse().ok()
}

impl Ledger {
    /// Notes a message that is about to be sent.
    pub(crate) fn expect(&self, to: &[String], id: &str) {
        let mut pages = self.pages();
        for to in to {
            let entry = pages.entries.entry(to.clone()).or_default();
            entry.id = id.to_owned();
        }
    }

    /// Notes that a client was promised delivery.
    pub(crate) fn acknowledged(&self, to: &str, _words: &str) {
        let mut pages = self.pages();
        let entry = pages.entries.get_mut(to).expect("it was sent");
        entry.acknowledged = Some(Instant::now());
    }

    /// Notes that a client was told that the transaction is cancelled, finally.
    pub(crate) fn cancelled(&self, to: &str) {
        let mut pages = self.pages();
        let entry = pages.entries.get_mut(to).expect("it was sent");
        entry.is_cancelled = true;
    }

    pub(crate) fn refused(&self, to: &str, rcpt: &str, end: &str) {
        let said = if rcpt.starts_with('2') { end } else { rcpt };
        // A permanent refusal is a fault. 503 follows when MAIL was refused transiently.
        if said.starts_with('5') && !said.starts_with("503 ") {
            self.wrong(format!("{to}: refused: {said}"));
        }
        self.count("SMTP, refused for now");
    }

    /// Notes a message to which the sink is about to reply 250.
    pub(crate) fn delivered(&self, to: &str, delivery: Delivery, message: &str) {
        let mut pages = self.pages();
        let Some(entry) = pages.entries.get_mut(to) else {
            let words = format!("{to}: a message came that nobody sent: {message:.500}");
            pages.wrong.push(words);
            return;
        };
        entry.deliveries.push(delivery);
        if !is_whole(&entry.id, message) {
            let words = format!("{to}: what came is not what was sent: {message:.500}");
            pages.wrong.push(words);
        }
    }

    /// Notes the beginning of a trouble; returns its number.
    pub(crate) fn begin(&self, whom: Whom, what: What) -> usize {
        let mut pages = self.pages();
        pages.troubles.push(Happening {
            whom,
            what,
            begun: Instant::now(),
            ended: None,
        });
        pages.troubles.len() - 1
    }

    pub(crate) fn end(&self, trouble: usize) {
        self.pages().troubles[trouble].ended = Some(Instant::now());
    }

    pub(crate) fn count(&self, what: &str) {
        *self.pages().counts.entry(what.to_owned()).or_default() += 1;
    }

    /// Notes something that must not happen.
    pub(crate) fn wrong(&self, words: String) {
        self.pages().wrong.push(words);
    }

    pub(crate) fn stuck(&self, rows: &str) {
        self.wrong(format!("still queued in the end:\n{rows}"));
    }

    /// Notes something that may help people.
    pub(crate) fn note(&self, words: String) {
        self.pages().notes.push(words);
    }

    pub(crate) fn close(&self) -> Account {
        Account::of(&self.pages())
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap()
    }
}
