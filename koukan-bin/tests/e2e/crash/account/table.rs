//! The account as a table for people.

use std::fmt;

use crate::crash::book::{Entry, Standing};

use super::Account;

/// The recipients of mail that came in by one way.
#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    sent: usize,
    acknowledged: usize,
    /// A part of the acknowledged recipients, as are the next three.
    delivered: usize,
    reported: usize,
    queued: usize,
    lost: usize,
    /// Deliveries beyond the first.
    again: usize,
    /// Notifications beyond the first.
    told_again: usize,
    /// Recipients whose client got a refusal.
    refused: usize,
    /// Recipients whose client got no answer.
    unknown: usize,
    /// The part of those that was delivered.
    unknown_delivered: usize,
}

impl Row {
    pub(super) fn add(&mut self, entry: &Entry, is_queued: bool) {
        let is_delivered = !entry.deliveries.is_empty();
        self.sent += 1;
        self.again += entry.deliveries.len().saturating_sub(1);
        self.told_again += entry.reports.len().saturating_sub(1);
        match entry.standing {
            Standing::Acknowledged => {
                self.acknowledged += 1;
                let is_reported = !entry.reports.is_empty() || entry.view == Some(false);
                let count = if is_delivered {
                    &mut self.delivered
                } else if is_reported {
                    &mut self.reported
                } else if is_queued {
                    &mut self.queued
                } else {
                    &mut self.lost
                };
                *count += 1;
            }
            Standing::Refused | Standing::Deferred => self.refused += 1,
            Standing::Unknown | Standing::Created => {
                self.unknown += 1;
                self.unknown_delivered += usize::from(is_delivered);
            }
        }
    }

    /// The columns of the table.
    fn columns(&self) -> [(&'static str, usize); 8] {
        [
            ("recipients", self.sent),
            ("acknowledged", self.acknowledged),
            ("delivered", self.delivered),
            ("reported", self.reported),
            ("queued", self.queued),
            ("lost", self.lost),
            ("again", self.again),
            ("told again", self.told_again),
        ]
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = &self.all;
        write!(f, "{:24}", "")?;
        for (name, _) in all.columns() {
            write!(f, "{name:>13}")?;
        }
        let rows = self.rows.iter().map(|(way, row)| (way.name(), row));
        for (name, row) in rows.chain([("all", all)]) {
            write!(f, "\n{name:24}")?;
            for (_, count) in row.columns() {
                write!(f, "{count:>13}")?;
            }
        }
        let seconds = self.lasted.as_secs_f64();
        let (kills, seed) = (self.killed.len(), self.seed);
        writeln!(f, "\n\n{kills} kills, seed {seed}, {seconds:.1} s")?;
        writeln!(
            f,
            "not acknowledged: {} refused, {} unanswered, {} of these delivered",
            all.refused, all.unknown, all.unknown_delivered
        )?;
        let counts = &self.counts;
        writeln!(
            f,
            "uploads: {} interrupted, {} resumed; creates: {} sent again, {} of these had been made",
            counts.interrupted, counts.resumed, counts.repeated, counts.replayed
        )?;
        let again = all.again + all.told_again;
        let millis = self.longest.as_millis();
        let faults = self.faults.len();
        writeln!(
            f,
            "{again} came again after a kill between the 250 and its record, {millis} ms later at most"
        )?;
        write!(f, "faults: {faults}")?;
        for fault in &self.faults {
            write!(f, "\n  {fault}")?;
        }
        write!(f, "{}", self.stories)
    }
}
