//! Matches excessive rates.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{
    filter::{
        policy_action::{Facts, Matcher, Verdict},
        rate_limit::{Buckets, MAX_KEYS, RateKey, together},
    },
    signals::Signals,
};

/// Matches if more messages come from somebody than a rate permits; in a rule per recipient, more recipients.
///
/// Each key has a token bucket with the permitted number of tokens, which fills in the given time. A message
/// that finds a token takes it and is within the rate. One that finds none is over the rate, and takes nothing.
/// A message is counted once, when it is first evaluated. Messages without such a key are not counted.
///
/// Each process counts for itself, from its start. It remembers a limited number of keys; beyond that it
/// forgets those with the fewest tokens taken.
#[derive(Debug, Clone)]
pub struct OverRateMatcher {
    keys: Box<[RateKey]>,
    buckets: Arc<Buckets>,
}

/// The results within a transaction; a signal.
#[derive(Debug, Default)]
struct Counted(Mutex<Vec<(Arc<Buckets>, Verdict)>>);

impl OverRateMatcher {
    /// At most `count` in this time, which must not be zero, for each combination of the keys.
    pub fn new(keys: impl IntoIterator<Item = RateKey>, count: NonZeroU32, per: Duration) -> Self {
        let max = NonZeroUsize::new(MAX_KEYS).unwrap_or(NonZeroUsize::MIN);
        Self {
            keys: keys.into_iter().collect(),
            buckets: Arc::new(Buckets::new(count, per, max)),
        }
    }

    /// Remembers at most `max` keys, instead of 100000.
    #[must_use]
    pub fn with_max_keys(mut self, max: NonZeroUsize) -> Self {
        self.buckets = Arc::new(self.buckets.emptied(max));
        self
    }

    /// Whether one more is over the rate.
    fn take(&self, facts: &Facts<'_>) -> Verdict {
        let key = together(&self.keys, facts.context, facts.mail, facts.rcpt);
        let Some(key) = key else {
            return Verdict::NoMatch;
        };
        (!self.buckets.take(key)).into()
    }
}

impl Counted {
    fn of(signals: &Signals) -> Option<Arc<Self>> {
        if signals.find::<Self>().is_none() {
            // Another one may be first.
            let _ = signals.set(Self::default());
        }
        signals.find::<Self>()
    }
}

impl Matcher for OverRateMatcher {
    fn matches(&self, facts: &Facts<'_>) -> Verdict {
        // A recipient is evaluated once, but a transaction each time something more is known.
        let counted = match facts.rcpt {
            None => Counted::of(facts.signals),
            Some(_) => None,
        };
        let Some(counted) = counted else {
            return self.take(facts);
        };
        let mut all = counted.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.iter().find(|(of, _)| Arc::ptr_eq(of, &self.buckets));
        if let Some((_, verdict)) = known {
            return *verdict;
        }
        let verdict = self.take(facts);
        all.push((Arc::clone(&self.buckets), verdict));
        verdict
    }

    fn is_about_recipient(&self) -> bool {
        self.keys.iter().any(|key| key.is_about_recipient())
    }
}
