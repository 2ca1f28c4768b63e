//! The account: the outcome of every recipient.

mod fault;
mod rules;
mod story;
mod table;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};

use self::{fault::Fault, rules::Written, table::Row};

use super::{
    book::{Book, Counts, Entry, Standing},
    plan::{SENDERS, Way},
    record::Record,
};

/// The longest time after a 250 until it is written to the database, on a busy machine.
const WRITTEN_WITHIN: SignedDuration = SignedDuration::from_secs(10);

/// The results so far; at the end, all results.
pub(super) struct Account {
    seed: u64,
    /// The times at which the agent was killed.
    killed: Vec<Timestamp>,
    start: Instant,
    lasted: Duration,
    /// The deliveries in the database, and the kill after which each was first found there.
    written: Written,
    rows: BTreeMap<Way, Row>,
    all: Row,
    counts: Counts,
    /// The longest time between a 250 and a kill that came before it was written.
    longest: SignedDuration,
    faults: Vec<Fault>,
    /// Everything known about the first of them.
    stories: String,
}

impl Account {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            killed: Vec::new(),
            start: Instant::now(),
            lasted: Duration::ZERO,
            written: Written::default(),
            rows: Way::ALL.map(|way| (way, Row::default())).into(),
            all: Row::default(),
            counts: Counts::default(),
            longest: SignedDuration::ZERO,
            faults: Vec::new(),
            stories: String::new(),
        }
    }

    /// Notes a kill. Before the next run, compares the contents of the database with what clients and destinations
    /// have seen.
    pub(super) fn killed(
        &mut self,
        at: Timestamp,
        record: &Record,
        entries: &BTreeMap<String, Entry>,
    ) {
        let kill = self.killed.len() as u32;
        self.killed.push(at);
        self.audit(kill, record, entries);
    }

    fn audit(&mut self, kill: u32, record: &Record, entries: &BTreeMap<String, Entry>) {
        for (to, entry) in entries {
            let is_promised = matches!(entry.standing, Standing::Acknowledged | Standing::Created);
            let kept = record.of(to);
            // Report it once: a fault at one kill is also there at the next.
            let is_told = self.faults.iter().any(|fault| fault.address == *to);
            if is_promised && entry.deliveries.is_empty() && kept.is_empty() && !is_told {
                self.faults.push(Fault::not_durable(to, kill));
            }
            if let [first, second, ..] = kept
                && !is_told
            {
                self.faults.push(Fault::made_twice(to, first, second));
            }
        }
        let reports = entries.values().flat_map(|entry| &entry.reports);
        let reports: Vec<_> = reports.map(|report| &report.transaction).collect();
        for (to, kept) in record.all() {
            if kept.settled != Some(true) {
                continue;
            }
            let (key, is_known) = match to.ends_with(SENDERS) {
                true => (&*kept.transaction, reports.contains(&&kept.transaction)),
                false => {
                    let entry = entries.get(to);
                    (to, entry.is_some_and(|entry| !entry.deliveries.is_empty()))
                }
            };
            if !is_known {
                self.faults.push(Fault::written_only(to, kill));
            }
            self.written.note(key, kill);
        }
    }

    /// Notes that the agent as a whole makes no progress.
    pub(super) fn stuck(&mut self, words: &str) {
        self.faults.push(Fault::new("all", words));
    }

    /// Closes the account with the final contents of the database.
    pub(super) fn close(&mut self, record: &Record, book: &Book, log: &str) {
        let entries = book.entries();
        self.audit(self.killed.len() as u32, record, &entries);
        for (to, entry) in &entries {
            let row = self.rows.entry(entry.way).or_default();
            // Or the notification that it failed.
            let mut kept = record.of(to).iter().chain(record.of(&entry.from));
            let is_queued = kept.any(|kept| kept.is_open);
            row.add(entry, is_queued);
            self.all.add(entry, is_queued);
            let found = rules::faults(to, entry, is_queued, &self.written);
            self.faults.extend(found);
            if let Some(window) = self.window(entry) {
                self.longest = self.longest.max(window);
                if window > WRITTEN_WITHIN {
                    self.faults.push(Fault::written_late(to, window));
                }
            }
        }
        self.counts = book.counts();
        self.lasted = self.start.elapsed();
        self.stories = story::tell(&self.faults, &entries, book, log);
    }

    /// The longest time between a destination's 250 and a kill after which the agent did not know about that
    /// 250 any more.
    fn window(&self, entry: &Entry) -> Option<SignedDuration> {
        let again = entry.deliveries.split_last()?.1;
        let windows = again.iter().filter_map(|delivery| {
            let killed = self.killed.get(delivery.run as usize)?;
            Some(killed.duration_since(delivery.at))
        });
        windows.max()
    }

    /// Whether every recipient is accounted for.
    pub(super) fn is_balanced(&self) -> bool {
        self.faults.is_empty()
    }
}
