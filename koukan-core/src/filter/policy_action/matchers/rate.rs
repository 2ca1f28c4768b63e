//! How much comes in a time, by whom.

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

/// More messages come from somebody than may come in a time; in a rule per recipient, more recipients.
///
/// Each key has a bucket that holds as many as may come in that time, and fills as that passes. What finds one
/// there takes it, and is not over the rate; what finds none is, and takes nothing. A message is counted once,
/// when it is first asked for. Of what has no such key nothing is counted.
///
/// A process counts for itself, from its start on. It remembers a bounded number of keys: where there are more,
/// those are forgotten that have taken least.
#[derive(Debug, Clone)]
pub struct OverRateMatcher {
    keys: Box<[RateKey]>,
    buckets: Arc<Buckets>,
}

/// What was found of a transaction; a signal of it.
#[derive(Debug, Default)]
struct Counted(Mutex<Vec<(Arc<Buckets>, Verdict)>>);

impl OverRateMatcher {
    /// So many in that time, which must not be zero, for each combination of the keys.
    pub fn new(keys: impl IntoIterator<Item = RateKey>, count: NonZeroU32, per: Duration) -> Self {
        let max = NonZeroUsize::new(MAX_KEYS).unwrap_or(NonZeroUsize::MIN);
        Self {
            keys: keys.into_iter().collect(),
            buckets: Arc::new(Buckets::new(count, per, max)),
        }
    }

    /// Remembers so many keys at most, instead of 100000.
    #[must_use]
    pub fn with_max_keys(mut self, max: NonZeroUsize) -> Self {
        self.buckets = Arc::new(self.buckets.emptied(max));
        self
    }

    /// Whether one more is too much.
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
        // A recipient is asked for once, and a transaction whenever something more is known of it.
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
