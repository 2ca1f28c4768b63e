//! Destinations with rate limits: pure.

use std::collections::BTreeMap;

use crate::{rate::Rate, storage::record::SchedulingKey};

/// How many destinations are remembered; queued mail for others is deferred one by one.
const KEYS_MAX: usize = 10_000;

/// Destinations whose mail is leased separately, as much as there are turns for.
///
/// Several destinations may be one host and share its turns. So they are asked one after the other, first
/// the one that was asked the longest ago.
#[derive(Debug, Default)]
pub(super) struct Rated {
    known: BTreeMap<SchedulingKey, Known>,
    /// How often one was asked.
    asked: u64,
}

#[derive(Debug)]
struct Known {
    rate: Rate,
    /// Whether there was no more mail than turns.
    is_drained: bool,
    /// When it was asked last, by [`Rated::asked`]; at first, when it came to be known.
    asked: u64,
}

impl Rated {
    /// Adds a destination whose host has no turns; `false` where there are too many of them.
    pub(super) fn add(&mut self, destination: &SchedulingKey, rate: &Rate) -> bool {
        if let Some(known) = self.known.get_mut(destination) {
            known.rate = rate.clone();
            known.is_drained = false;
            return true;
        }
        if self.known.len() >= KEYS_MAX {
            return false;
        }
        let known = Known {
            rate: rate.clone(),
            is_drained: false,
            asked: self.asked,
        };
        self.known.insert(destination.clone(), known);
        true
    }

    /// All of them, except those with little mail by now; in the order in which they are to be asked.
    pub(super) fn look(&mut self) -> Vec<(SchedulingKey, Rate)> {
        self.known
            .retain(|_, known| !(known.is_drained && known.rate.is_idle()));
        let mut all: Vec<_> = self.known.iter().collect();
        all.sort_by_key(|(_, known)| known.asked);
        all.into_iter()
            .map(|(destination, known)| (destination.clone(), known.rate.clone()))
            .collect()
    }

    /// Notes how many were asked for, and how many were due and leased. Without any the destination is
    /// forgotten: its host may be busy with others, and would have to be idle before it is asked no longer.
    pub(super) fn leased(&mut self, destination: &SchedulingKey, count: usize, wanted: usize) {
        if count == 0 {
            self.known.remove(destination);
        } else if let Some(known) = self.known.get_mut(destination) {
            self.asked += 1;
            known.asked = self.asked;
            known.is_drained = count < wanted;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{num::NonZeroU32, time::Duration};

    use tokio::time::advance;

    use super::*;
    use crate::context::{Context, Sender};

    fn key(sender: &str) -> SchedulingKey {
        SchedulingKey::of(&Context::new(Sender::new(sender)), &[])
    }

    #[tokio::test(start_paused = true)]
    async fn each_has_its_turn_before_another_has_one_more() {
        let rate = Rate::new(NonZeroU32::MIN, Duration::from_secs(1));
        let [a, b, c] = ["a", "b", "c"].map(key);
        let mut rated = Rated::default();
        for key in [&c, &a] {
            assert!(rated.add(key, &rate));
        }
        rated.leased(&a, 1, 1);
        // What comes later waits for those that are there.
        assert!(rated.add(&b, &rate));
        // To be told once more that there is no turn changes nothing.
        assert!(rated.add(&a, &rate));
        let order = |rated: &mut Rated| {
            let all = rated.look().into_iter();
            all.map(|(key, _)| key).collect::<Vec<_>>()
        };
        assert_eq!(order(&mut rated), [c.clone(), a.clone(), b.clone()]);
        rated.leased(&c, 1, 1);
        rated.leased(&a, 1, 1);
        assert_eq!(order(&mut rated), [b, c, a]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_destination_is_known_until_all_turns_are_there_and_nothing_waits() {
        let second = Duration::from_secs(1);
        let rate = Rate::new(NonZeroU32::MIN, second);
        let key = key("out");
        let mut rated = Rated::default();
        assert!(rated.add(&key, &rate));
        rate.reserve(None).unwrap().spend();
        rated.leased(&key, 1, 2);
        assert_eq!(rated.look(), [(key.clone(), rate.clone())]);
        rated.leased(&key, 2, 2);
        advance(second).await;
        assert_eq!(rated.look().len(), 1, "there is more");
        rated.leased(&key, 1, 2);
        assert!(rated.look().is_empty());
        // It may be so meanwhile.
        rated.leased(&key, 1, 2);
    }

    /// Many domains may be one host, which is never idle: each is asked in vain once.
    #[tokio::test(start_paused = true)]
    async fn a_destination_for_which_nothing_is_due_is_forgotten() {
        let rate = Rate::new(NonZeroU32::MIN, Duration::from_secs(1));
        let [a, b] = ["a", "b"].map(key);
        let mut rated = Rated::default();
        for key in [&a, &b] {
            assert!(rated.add(key, &rate));
        }
        rate.reserve(None).unwrap().spend();
        rated.leased(&a, 0, 1);
        assert!(!rate.is_idle());
        assert_eq!(rated.look(), [(b, rate)]);
    }
}
