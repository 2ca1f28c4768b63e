//! Accounts for each recipient of each letter.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::cli::sink::Received;

use super::{
    letter::{Fate, Letter},
    report::{Outcome, Report},
};

/// The account of all recipients.
#[derive(Debug, Default)]
pub(super) struct Account(Mutex<Book>);

#[derive(Debug, Default)]
struct Book {
    letters_sent: u32,
    entries: BTreeMap<String, Entry>,
}

#[derive(Debug, Default)]
struct Entry {
    /// The reply to RCPT, or to the message, was negative.
    is_refused: bool,
    /// The client was told that its message was accepted.
    is_accepted: bool,
    /// The message had already arrived when the client was told.
    was_there_at_once: bool,
    arrivals: u32,
    mangled: u32,
    notifications: u32,
}

impl Account {
    /// A message arrived at the sink.
    pub(super) fn arrived(&self, received: &Received) {
        let message = String::from_utf8_lossy(&received.message);
        let mut book = self.lock();
        if received.from.is_empty() {
            for failed in failed_recipients(&message) {
                book.entries.entry(failed).or_default().notifications += 1;
            }
            return;
        }
        let is_whole = Letter::of_sender(&received.from)
            .is_some_and(|letter| without_trace(&message) == letter.message());
        for to in &received.to {
            let entry = book.entries.entry(to.clone()).or_default();
            entry.arrivals += 1;
            entry.mangled += u32::from(!is_whole);
        }
    }

    /// The client was refused.
    pub(super) fn refused(&self, recipient: &str) {
        let mut book = self.lock();
        book.entries
            .entry(recipient.to_owned())
            .or_default()
            .is_refused = true;
    }

    /// The client was told that the message for this recipient was accepted.
    pub(super) fn accepted(&self, recipient: &str) {
        let mut book = self.lock();
        let entry = book.entries.entry(recipient.to_owned()).or_default();
        entry.is_accepted = true;
        entry.was_there_at_once = entry.arrivals > 0;
    }

    /// The client has finished with a letter.
    pub(super) fn letter_sent(&self) {
        self.lock().letters_sent += 1;
    }

    /// Whether every recipient's message has arrived, was refused, or was reported to have failed.
    pub(super) fn is_settled(&self) -> bool {
        let book = self.lock();
        let mut entries = book.entries.values();
        entries.all(|entry| entry.outcome() != Outcome::Lost)
    }

    pub(super) fn progress(&self, letters: u32) -> String {
        let sent = self.lock().letters_sent;
        let report = self.report();
        format!(
            "sent {sent}/{letters}  delivered {}  refused {}  bounced {}  waiting {}",
            report.count(Outcome::AtOnce) + report.count(Outcome::AfterRetry),
            report.count(Outcome::Refused),
            report.count(Outcome::Bounced),
            report.count(Outcome::Lost),
        )
    }

    pub(super) fn report(&self) -> Report {
        let book = self.lock();
        let mut report = Report::new(book.letters_sent);
        for (recipient, entry) in &book.entries {
            let outcome = entry.outcome();
            report.add(outcome, entry.arrivals, entry.mangled);
            let is_as_it_should = Fate::of(recipient).is_some_and(|fate| fate.allows(outcome));
            if outcome != Outcome::Lost && (!is_as_it_should || entry.is_contradictory()) {
                report.add_unexpected();
            }
        }
        report
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// Whether the recipient has more than one outcome.
    fn is_contradictory(&self) -> bool {
        let what = [self.arrivals > 0, self.is_refused, self.notifications > 0];
        what.into_iter().filter(|it| *it).count() > 1 || self.notifications > 1
    }

    fn outcome(&self) -> Outcome {
        if self.arrivals > 0 && self.was_there_at_once {
            Outcome::AtOnce
        } else if self.arrivals > 0 && self.is_accepted {
            Outcome::AfterRetry
        } else if self.is_refused {
            Outcome::Refused
        } else if self.notifications > 0 {
            Outcome::Bounced
        } else {
            Outcome::Lost
        }
    }
}

/// The recipients that a notification reports as failed.
fn failed_recipients(message: &str) -> Vec<String> {
    let fields = message
        .lines()
        .filter_map(|line| line.strip_prefix("Final-Recipient:"));
    let addresses = fields.filter_map(|field| field.split_once(';'));
    addresses
        .map(|(_, address)| address.trim().to_owned())
        .collect()
}

/// The message as the client wrote it: without the trace header fields.
fn without_trace(message: &str) -> &str {
    let Some(end) = message.find("From: <sender-") else {
        return message;
    };
    &message[end..]
}
