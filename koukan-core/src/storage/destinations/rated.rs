//! Destinations to which only so many messages may go in a time: pure.

use std::collections::BTreeMap;

use crate::{rate::Rate, storage::record::SchedulingKey};

/// Destinations that are remembered at most; what is queued for others is put off one by one.
const KEYS_MAX: usize = 10_000;

/// What is queued for these is leased by itself, as many as there are turns for.
#[derive(Debug, Default)]
pub(super) struct Rated(BTreeMap<SchedulingKey, Known>);

#[derive(Debug)]
struct Known {
    rate: Rate,
    /// Whether there was no more than could go.
    is_drained: bool,
}

impl Rated {
    /// Somebody was told that there are no turns; `false` where there are too many of them already.
    pub(super) fn add(&mut self, destination: &SchedulingKey, rate: &Rate) -> bool {
        if self.0.len() >= KEYS_MAX && !self.0.contains_key(destination) {
            return false;
        }
        let known = Known {
            rate: rate.clone(),
            is_drained: false,
        };
        self.0.insert(destination.clone(), known);
        true
    }

    /// All of them, but for those to which little goes by now.
    pub(super) fn look(&mut self) -> Vec<(SchedulingKey, Rate)> {
        self.0
            .retain(|_, known| !(known.is_drained && known.rate.is_idle()));
        let all = self.0.iter();
        all.map(|(destination, known)| (destination.clone(), known.rate.clone()))
            .collect()
    }

    /// What could go was leased.
    pub(super) fn leased(&mut self, destination: &SchedulingKey, is_drained: bool) {
        if let Some(known) = self.0.get_mut(destination) {
            known.is_drained = is_drained;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{num::NonZeroU32, time::Duration};

    use tokio::time::advance;

    use super::*;
    use crate::context::{Context, Sender};

    #[tokio::test(start_paused = true)]
    async fn a_destination_is_known_until_all_turns_are_there_and_nothing_waits() {
        let second = Duration::from_secs(1);
        let rate = Rate::new(NonZeroU32::MIN, second);
        let key = SchedulingKey::of(&Context::new(Sender::new("out")), &[]);
        let mut rated = Rated::default();
        assert!(rated.add(&key, &rate));
        rate.reserve(true).unwrap().spend();
        rated.leased(&key, true);
        assert_eq!(rated.look(), [(key.clone(), rate.clone())]);
        rated.leased(&key, false);
        advance(second).await;
        assert_eq!(rated.look().len(), 1, "there is more");
        rated.leased(&key, true);
        assert!(rated.look().is_empty());
        // It may be so meanwhile.
        rated.leased(&key, true);
    }
}
