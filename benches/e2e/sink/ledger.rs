//! Which messages arrived, and how often.

use serde_json::{Value, json};

/// How many messages are listed by number for each fault.
const TOLD: usize = 5;

/// A count for each recipient of each message.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    recipients: u64,
    counts: Vec<u8>,
    arrived: u64,
    damaged: Vec<u64>,
    /// Messages that were never sent, or that arrived at another message's recipient.
    foreign: u64,
    is_told: bool,
}

/// The message of a recipient: the number of the message, and the index of the recipient.
pub(super) type Recipient = (u64, u64);

impl Ledger {
    /// Expects so many messages with so many recipients each.
    pub(crate) fn new(messages: u64, recipients: u64) -> Self {
        Self {
            recipients,
            counts: vec![0; (messages * recipients) as usize],
            ..Self::default()
        }
    }

    /// Notes a message, by the number in it, that arrived whole or damaged.
    pub(super) fn note(&mut self, id: Option<u64>, is_whole: bool, to: &[Option<Recipient>]) {
        for recipient in to {
            let count = recipient.and_then(|(number, index)| {
                let is_its = id == Some(number) && index < self.recipients;
                let place = (number * self.recipients + index) as usize;
                self.counts.get_mut(place).filter(|_| is_its)
            });
            match count {
                Some(count) => {
                    self.arrived += u64::from(*count == 0);
                    *count = count.saturating_add(1);
                }
                None => self.foreign += 1,
            }
        }
        if let (Some(id), false) = (id, is_whole) {
            self.damaged.push(id);
        }
    }

    /// Whether everything has arrived; only true the first time.
    pub(super) fn is_newly_complete(&mut self) -> bool {
        let is_complete = self.arrived > 0 && self.arrived == self.counts.len() as u64;
        is_complete && !std::mem::replace(&mut self.is_told, true)
    }

    /// What arrived and what did not.
    pub(crate) fn report(&self) -> Value {
        let with = |wanted: fn(u8) -> bool| {
            let counts = self.counts.iter().enumerate();
            let found: Vec<_> = counts
                .filter(|(_, count)| wanted(**count))
                .map(|(place, _)| place as u64 / self.recipients.max(1))
                .collect();
            fault(&found)
        };
        json!({
            "arrived": self.arrived,
            "lost": with(|count| count == 0),
            "duplicate": with(|count| count > 1),
            "damaged": fault(&self.damaged),
            "foreign": self.foreign,
        })
    }
}

fn fault(found: &[u64]) -> Value {
    json!({ "count": found.len(), "ids": &found[..found.len().min(TOLD)] })
}

#[cfg(test)]
mod tests {
    use super::Ledger;

    #[test]
    fn every_fault_is_told_by_number() {
        let mut ledger = Ledger::new(4, 2);
        ledger.note(Some(0), true, &[Some((0, 0)), Some((0, 1))]);
        ledger.note(Some(1), false, &[Some((1, 0))]);
        ledger.note(Some(1), true, &[Some((1, 1))]);
        ledger.note(Some(2), true, &[Some((2, 0)), Some((2, 1))]);
        ledger.note(Some(2), true, &[Some((2, 1))]);
        // To another message's recipient, to nobody, and to an unknown recipient.
        ledger.note(Some(2), true, &[Some((3, 0))]);
        ledger.note(None, true, &[Some((3, 0))]);
        ledger.note(Some(2), true, &[None, Some((9, 0)), Some((2, 7))]);
        let report = ledger.report();
        assert_eq!(report["arrived"], 6);
        assert_eq!(report["lost"]["ids"], serde_json::json!([3, 3]));
        assert_eq!(report["duplicate"]["ids"], serde_json::json!([2]));
        assert_eq!(report["damaged"]["ids"], serde_json::json!([1]));
        assert_eq!(report["foreign"], 5);
    }

    #[test]
    fn completion_is_told_once() {
        let mut ledger = Ledger::new(1, 1);
        assert!(!ledger.is_newly_complete());
        ledger.note(Some(0), true, &[Some((0, 0))]);
        assert!(ledger.is_newly_complete());
        assert!(!ledger.is_newly_complete());
    }
}
