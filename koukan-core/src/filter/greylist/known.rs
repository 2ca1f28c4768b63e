//! The knowledge about triplets and networks, as a plain value: no clock, no lock.

use std::collections::HashMap;

use super::Times;

/// A hash of a triplet or network.
pub(super) type Key = [u8; 16];

/// Seconds since 1970.
pub(super) type Seconds = u64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// The network that it belongs to.
    pub(super) network: u64,
    pub(super) first: Seconds,
    pub(super) last: Seconds,
    pub(super) state: State,
}

/// | state | of | next |
/// |---|---|---|
/// | waiting | a triplet | passed, when it comes back in time |
/// | passed | a triplet | forgotten, when it does not come for long |
/// | network | a network | known, after enough triplets have come back |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Waiting,
    Passed,
    Network { returned: u32 },
}

#[derive(Debug, Default)]
pub(super) struct Known(HashMap<Key, Entry>);

impl Known {
    /// Whether a recipient passes now.
    pub(super) fn ask(
        &mut self,
        times: &Times,
        now: Seconds,
        (network, of_network): (Key, u64),
        triplet: Key,
    ) -> bool {
        if let Some(entry) = self.0.get_mut(&network)
            && let State::Network { returned } = entry.state
            && returned >= times.known_after
            && times.holds(entry, now)
        {
            entry.last = now;
            return true;
        }
        let found = self.0.get(&triplet).copied();
        let mut entry = match found.filter(|entry| times.holds(entry, now)) {
            Some(entry) => entry,
            None => {
                self.make_room(times, now);
                let entry = Entry {
                    network: of_network,
                    first: now,
                    last: now,
                    state: State::Waiting,
                };
                self.0.insert(triplet, entry);
                return false;
            }
        };
        if entry.state == State::Waiting {
            if now.saturating_sub(entry.first) < times.min.as_secs() {
                return false;
            }
            entry.state = State::Passed;
            self.returned(times, now, network, of_network);
        }
        entry.last = now;
        self.0.insert(triplet, entry);
        true
    }

    /// Notes that a triplet of the network has come back.
    fn returned(&mut self, times: &Times, now: Seconds, network: Key, of_network: u64) {
        let found = self.0.get(&network).copied();
        let found = found.filter(|entry| times.holds(entry, now));
        let returned = match found.map(|entry| entry.state) {
            Some(State::Network { returned }) => returned.saturating_add(1),
            _ => {
                self.make_room(times, now);
                1
            }
        };
        let entry = Entry {
            network: of_network,
            first: found.map_or(now, |entry| entry.first),
            last: now,
            state: State::Network { returned },
        };
        self.0.insert(network, entry);
    }

    /// Makes room by removing an eighth of the entries, so that it is rarely done: first expired entries; then waiting
    /// ones of the networks with the most of these; then those that have not come for longest.
    fn make_room(&mut self, times: &Times, now: Seconds) {
        let max = times.max.get();
        if self.0.len() < max {
            return;
        }
        self.0.retain(|_, entry| times.holds(entry, now));
        let kept = max - max.div_ceil(8);
        let Some(mut excess) = self.0.len().checked_sub(kept) else {
            return;
        };
        let mut waiting: HashMap<u64, usize> = HashMap::new();
        for entry in self.0.values() {
            if entry.state == State::Waiting {
                *waiting.entry(entry.network).or_default() += 1;
            }
        }
        let mut most: Vec<_> = waiting.into_iter().collect();
        most.sort_unstable_by_key(|(network, count)| (std::cmp::Reverse(*count), *network));
        let mut forgotten: HashMap<u64, usize> = HashMap::new();
        for (network, count) in most {
            let count = count.min(excess);
            excess -= count;
            forgotten.insert(network, count);
        }
        // All in one pass: there may be as many networks as entries.
        self.0.retain(|_, entry| {
            let left = forgotten.get_mut(&entry.network);
            let left = left.filter(|left| entry.state == State::Waiting && **left > 0);
            left.map(|left| *left -= 1).is_none()
        });
        if excess == 0 {
            return;
        }
        let mut ages: Vec<_> = self.0.values().map(|entry| entry.last).collect();
        let (_, oldest, _) = ages.select_nth_unstable(excess - 1);
        let oldest = *oldest;
        self.0.retain(|_, entry| {
            let is_forgotten = entry.last <= oldest && excess > 0;
            excess -= usize::from(is_forgotten);
            !is_forgotten
        });
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (&Key, &Entry)> {
        self.0.iter()
    }

    /// Adds an entry of a snapshot, if there is room.
    pub(super) fn insert(&mut self, max: usize, key: Key, entry: Entry) {
        if self.0.len() < max {
            self.0.insert(key, entry);
        }
    }
}

impl Times {
    /// Whether an entry is still valid.
    fn holds(&self, entry: &Entry, now: Seconds) -> bool {
        match entry.state {
            State::Waiting => now.saturating_sub(entry.first) <= self.max_wait.as_secs(),
            State::Passed | State::Network { .. } => {
                now.saturating_sub(entry.last) <= self.keep.as_secs()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::{super::snapshot, *};

    const MINUTE: Seconds = 60;
    const DAY: Seconds = 24 * 60 * MINUTE;

    fn key(number: u64) -> Key {
        let mut key = Key::default();
        key[8..].copy_from_slice(&number.to_be_bytes());
        key
    }

    fn times(max: usize) -> Times {
        Times {
            max: NonZeroUsize::new(max).unwrap(),
            ..Times::default()
        }
    }

    fn ask(known: &mut Known, times: &Times, now: Seconds, network: u64, triplet: u64) -> bool {
        known.ask(times, now, (key(network), network), key(triplet))
    }

    #[test]
    fn a_triplet_passes_when_it_comes_back_in_time() {
        let times = times(100);
        let (mut known, start) = (Known::default(), 1_000_000);
        for (at, passes) in [
            (0, false),
            (MINUTE, false),
            (5 * MINUTE - 1, false),
            (5 * MINUTE, true),
            (6 * MINUTE, true),
            (30 * DAY, true),
            // It was not seen for long.
            (70 * DAY, false),
            (70 * DAY + MINUTE, false),
            // It comes back too late, and that is a first time.
            (72 * DAY, false),
            (72 * DAY + 6 * MINUTE, true),
        ] {
            let answer = ask(&mut known, &times, start + at, 1, 1000);
            assert_eq!(answer, passes, "at {at}");
        }
    }

    #[test]
    fn a_network_whose_triplets_come_back_is_known_and_is_kept() {
        let times = times(100);
        let mut known = Known::default();
        for triplet in 0..5 {
            assert!(!ask(&mut known, &times, 1000, 1, 1000 + triplet));
            assert!(ask(&mut known, &times, 1400, 1, 1000 + triplet));
        }
        assert!(ask(&mut known, &times, 1400, 1, 2000));
        assert!(!ask(&mut known, &times, 1400, 2, 3000));
        let read = |max| {
            let octets = snapshot::head(known.entries());
            let mut read = Known::default();
            for (key, entry) in snapshot::entries(&octets).unwrap() {
                read.insert(max, key, entry);
            }
            read
        };
        let mut all = read(100);
        assert_eq!(all.0, known.0);
        assert!(ask(&mut all, &times, 1401, 1, 2001));
        assert_eq!(read(3).len(), 3);
    }

    #[test]
    fn who_fills_the_list_fills_it_for_itself() {
        let times = times(64);
        let mut known = Known::default();
        assert!(!ask(&mut known, &times, 1000, 1, 1));
        for number in 0..5000 {
            assert!(!ask(&mut known, &times, 1001, 666, 10_000 + number));
            assert!(known.len() <= 64);
        }
        assert!(ask(&mut known, &times, 1400, 1, 1));
        // From many networks what has passed stays, too.
        for number in 0..5000 {
            assert!(!ask(
                &mut known,
                &times,
                1500,
                1000 + number,
                20_000 + number
            ));
            assert!(known.len() <= 64);
        }
        assert!(ask(&mut known, &times, 1600, 1, 1));
        // Where all have passed, those go that have not come for longest.
        let mut known = Known::default();
        for number in 0..200 {
            let now = 10_000 * (number + 1);
            assert!(!ask(&mut known, &times, now, number, 500 + number));
            assert!(ask(&mut known, &times, now + 400, number, 500 + number));
            assert!(known.len() <= 64);
        }
        assert!(ask(&mut known, &times, 2_000_500, 199, 699));
    }

    #[test]
    fn a_list_full_of_networks_that_wait_is_not_looked_through_for_each_of_them() {
        let times = Times::default();
        let max = times.max.get() as u64;
        let mut known = Known::default();
        assert!(!ask(&mut known, &times, 1000, 1, 1));
        assert!(ask(&mut known, &times, 1400, 1, 1));
        for number in 0..max {
            assert!(!ask(&mut known, &times, 1500, 10 + number, 10 + number));
        }
        assert!(known.len() as u64 <= max && known.len() as u64 > max / 4 * 3);
        assert!(ask(&mut known, &times, 1600, 1, 1));
    }
}
