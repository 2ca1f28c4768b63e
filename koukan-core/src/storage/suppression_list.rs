//! The suppressed addresses.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound::{Excluded, Unbounded},
};

use jiff::Timestamp;

use super::record::Suppression;

/// How many addresses may be suppressed at a time, for all senders; beyond that, those stay that
/// end last.
const SUPPRESSED_MAX: usize = 100_000;

/// Addresses that are suppressed, of all senders, up to [`SUPPRESSED_MAX`].
#[derive(Default)]
pub(super) struct SuppressionList {
    by_sender: BTreeMap<Box<str>, BTreeMap<Box<str>, Suppression>>,
    /// When each ends, with its sender and address.
    ends: BTreeSet<(Timestamp, Box<str>, Box<str>)>,
}

impl SuppressionList {
    /// Adds one, replacing an earlier one for its address.
    pub(super) fn keep(&mut self, one: Suppression) {
        self.remove(&one.sender, &one.address);
        let end = (one.until, one.sender.clone(), one.address.clone());
        self.ends.insert(end);
        let of_sender = self.by_sender.entry(one.sender.clone()).or_default();
        of_sender.insert(one.address.clone(), one);
        while self.ends.len() > SUPPRESSED_MAX {
            self.remove_first();
        }
    }

    /// Removes the one for an address.
    pub(super) fn remove(&mut self, sender: &str, address: &str) -> Option<Suppression> {
        let of_sender = self.by_sender.get_mut(sender)?;
        let removed = of_sender.remove(address)?;
        if of_sender.is_empty() {
            self.by_sender.remove(sender);
        }
        let end = (removed.until, sender.into(), address.into());
        self.ends.remove(&end);
        Some(removed)
    }

    fn remove_first(&mut self) {
        if let Some((_, sender, address)) = self.ends.pop_first() {
            self.remove(&sender, &address);
        }
    }

    /// Forgets those that have ended. Returns their number.
    pub(super) fn expire(&mut self, now: Timestamp) -> usize {
        let before = self.ends.len();
        while self.ends.first().is_some_and(|(end, ..)| *end <= now) {
            self.remove_first();
        }
        before - self.ends.len()
    }

    /// Whether a sender has any.
    pub(super) fn has_any(&self, sender: &str) -> bool {
        self.by_sender.contains_key(sender)
    }

    /// Those of a sender, in the order of addresses, after this one, at most `limit`.
    pub(super) fn of_sender(
        &self,
        sender: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Vec<Suppression> {
        let Some(of_sender) = self.by_sender.get(sender) else {
            return Vec::new();
        };
        let from = after.map_or(Unbounded, Excluded);
        let found = of_sender.range::<str, _>((from, Unbounded)).take(limit);
        found.map(|(_, one)| one.clone()).collect()
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &Suppression> {
        self.by_sender.values().flat_map(BTreeMap::values)
    }

    /// The suppression of an address, if there is one.
    pub(super) fn find(&self, sender: &str, address: &str, now: Timestamp) -> Option<&Suppression> {
        let found = self.by_sender.get(sender)?.get(address)?;
        (found.until > now).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_ended_is_forgotten_and_of_too_many_those_stay_that_end_last() {
        let time = |second: usize| Timestamp::from_second(second as i64).unwrap();
        let one = |number: usize| Suppression {
            sender: "out".into(),
            address: format!("a{number}@x").into(),
            since: time(0),
            until: time(number),
            reason: "550 no".into(),
        };
        let mut known = SuppressionList::default();
        for number in 0..SUPPRESSED_MAX + 10 {
            known.keep(one(number));
        }
        assert_eq!(known.ends.len(), SUPPRESSED_MAX);
        assert!(known.find("out", "a9@x", time(0)).is_none());
        assert!(known.find("out", "a10@x", time(0)).is_some());
        assert!(known.find("out", "a10@x", time(10)).is_none());
        assert!(known.find("other", "a11@x", time(0)).is_none());
        known.keep(Suppression {
            until: time(SUPPRESSED_MAX * 2),
            ..one(11)
        });
        assert_eq!(known.expire(time(SUPPRESSED_MAX + 9)), SUPPRESSED_MAX - 1);
        assert_eq!(known.ends.len(), 1);
        assert!(known.remove("out", "a11@x").is_some());
        assert!(known.by_sender.is_empty() && known.ends.is_empty());
    }
}
