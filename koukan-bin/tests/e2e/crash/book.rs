//! What clients and destinations have seen, written down as it happens.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
};

use jiff::Timestamp;

use crate::collector::without_trace;

use super::plan::{self, Letter, SENDERS, Way};

/// The book of one account.
#[derive(Debug, Default)]
pub(super) struct Book(Mutex<Pages>);

#[derive(Debug, Default)]
struct Pages {
    entries: BTreeMap<String, Entry>,
    acknowledged: usize,
    attempts: BTreeMap<String, usize>,
    story: BTreeMap<String, Vec<Event>>,
    counts: Counts,
}

/// What happened at what time, in words.
pub(super) type Event = (Timestamp, String);

/// One recipient of one message.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) way: Way,
    /// The message's name.
    pub(super) id: String,
    pub(super) from: String,
    size: usize,
    pub(super) standing: Standing,
    pub(super) deliveries: Vec<Delivery>,
    /// Whether the destination has permanently refused a message for this recipient and others.
    pub(super) is_refused: bool,
    pub(super) reports: Vec<Report>,
    /// The path of the transaction, if a client got it.
    pub(super) location: Option<String>,
    /// Whether the last view that the client got said that the message was delivered.
    pub(super) view: Option<bool>,
}

/// What a client knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// The client got no answer.
    Unknown,
    /// The transaction exists; its message is not uploaded yet.
    Created,
    Acknowledged,
    /// Refused transiently.
    Deferred,
    /// Refused permanently.
    Refused,
}

/// A message to which the destination has replied 250.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Delivery {
    /// The time of that reply.
    pub(super) at: Timestamp,
    /// The run of the agent that delivered it.
    pub(super) run: u32,
    /// Whether the message is unchanged.
    pub(super) is_whole: bool,
}

/// A notification of failure to which the sender's destination has replied 250.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Report {
    /// The run of the agent that delivered it.
    pub(super) run: u32,
    /// The notification's own transaction.
    pub(super) transaction: String,
}

/// What clients did.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts {
    /// Upload requests without an answer.
    pub(super) interrupted: usize,
    /// Uploads that were continued after that.
    pub(super) resumed: usize,
    /// Create requests without an answer that were sent again.
    pub(super) repeated: usize,
    /// Those whose transaction already existed.
    pub(super) replayed: usize,
}

impl Book {
    /// Notes a message that is about to be sent.
    pub(super) fn expect(&self, letter: &Letter) {
        let mut pages = self.pages();
        for to in &letter.to {
            let entry = Entry {
                way: letter.way,
                id: letter.id.clone(),
                from: letter.from.clone(),
                size: letter.size,
                standing: Standing::Unknown,
                deliveries: Vec::new(),
                is_refused: false,
                reports: Vec::new(),
                location: None,
                view: None,
            };
            pages.entries.insert(to.clone(), entry);
        }
    }

    /// Notes what a client was told about a recipient.
    pub(super) fn told(&self, to: &str, standing: Standing, words: &str) {
        let mut pages = self.pages();
        pages.note(to, format!("the client is told: {words}"));
        if standing == Standing::Acknowledged {
            pages.acknowledged += 1;
        }
        pages.entry(to).standing = standing;
    }

    /// Notes the path of a transaction.
    pub(super) fn located(&self, to: &[String], location: &str) {
        let mut pages = self.pages();
        for to in to {
            pages.entry(to).location = Some(location.to_owned());
        }
    }

    /// Notes the final view of a transaction.
    pub(super) fn viewed(&self, to: &str, is_delivered: bool) {
        let mut pages = self.pages();
        pages.note(to, format!("its view says delivered: {is_delivered}"));
        pages.entry(to).view = Some(is_delivered);
    }

    /// Notes something else about a recipient or a sender.
    pub(super) fn note(&self, address: &str, words: impl Into<String>) {
        self.pages().note(address, words.into());
    }

    /// The number of this attempt at a recipient, from 0.
    pub(super) fn attempt(&self, to: &str) -> usize {
        let mut pages = self.pages();
        let attempts = pages.attempts.entry(to.to_owned()).or_default();
        *attempts += 1;
        *attempts - 1
    }

    /// Notes a message to which the destination is about to reply 250.
    pub(super) fn delivered(&self, to: &str, run: u32, message: &str) {
        let mut pages = self.pages();
        if to.ends_with(SENDERS) {
            pages.reported(to, run, message);
            return;
        }
        let Some(entry) = pages.entries.get_mut(to) else {
            panic!("a message came for {to}, which nobody sent");
        };
        let is_whole = without_trace(message) == plan::message(&entry.id, entry.size);
        entry.deliveries.push(Delivery {
            at: Timestamp::now(),
            run,
            is_whole,
        });
    }

    /// Notes that the destination is about to refuse a message to this recipient, and to those that share
    /// the transaction.
    pub(super) fn refused(&self, to: &str) {
        if let Some(entry) = self.pages().entries.get_mut(to) {
            entry.is_refused = true;
        }
    }

    pub(super) fn count(&self, count: impl FnOnce(&mut Counts)) {
        count(&mut self.pages().counts);
    }

    pub(super) fn counts(&self) -> Counts {
        self.pages().counts.clone()
    }

    /// The number of recipients that were acknowledged so far.
    pub(super) fn acknowledged(&self) -> usize {
        self.pages().acknowledged
    }

    pub(super) fn entries(&self) -> BTreeMap<String, Entry> {
        self.pages().entries.clone()
    }

    /// What was noted about an address.
    pub(super) fn story(&self, address: &str) -> Vec<Event> {
        self.pages().story.get(address).cloned().unwrap_or_default()
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap()
    }
}

impl Pages {
    fn note(&mut self, address: &str, words: String) {
        let story = self.story.entry(address.to_owned()).or_default();
        // Clients often ask an agent that is not running, so repetitions are left out.
        if story.last().is_none_or(|(_, last)| *last != words) {
            story.push((Timestamp::now(), words));
        }
    }

    fn entry(&mut self, to: &str) -> &mut Entry {
        self.entries.get_mut(to).expect("it is sent")
    }

    fn reported(&mut self, sender: &str, run: u32, message: &str) {
        let transaction = after(message, "Message-ID: <").next();
        let transaction = transaction.and_then(|id| id.split('@').next());
        let transaction = transaction.unwrap_or_default().to_owned();
        for to in after(message, "Final-Recipient: rfc822; ") {
            let Some(entry) = self.entries.get_mut(to) else {
                panic!("{sender} is told of {to}, to whom nobody sent anything");
            };
            assert_eq!(entry.from, sender, "told of {to}");
            entry.reports.push(Report {
                run,
                transaction: transaction.clone(),
            });
        }
    }
}

/// The rest of each line with that beginning.
fn after<'a>(message: &'a str, beginning: &'a str) -> impl Iterator<Item = &'a str> {
    let lines = message.split("\r\n");
    lines.filter_map(move |line| line.strip_prefix(beginning))
}
