use std::{
    num::{NonZeroU32, NonZeroUsize},
    sync::Arc,
    time::Duration,
};

use crate::{
    context::Context,
    transaction::{Mail, Rcpt},
};

use super::{RateKey, buckets::Buckets, key::together};

/// How many keys a limit remembers, unless another number is set.
pub const MAX_KEYS: usize = 100_000;

/// A limit on messages or recipients that have something in common, in a time. Clones share the counters.
///
/// Each key has a token bucket with the permitted number of tokens, which fills in the given time. Messages without
/// such a key, for example without an identity, are not counted.
#[derive(Debug, Clone)]
pub struct Limit {
    keys: Arc<[RateKey]>,
    buckets: Arc<Buckets>,
    counts_recipients: bool,
}

impl Limit {
    /// At most `count` in this time, which must not be zero, for each combination of the keys. It counts messages,
    /// or recipients if one of the keys is about these.
    pub fn new(keys: impl IntoIterator<Item = RateKey>, count: NonZeroU32, per: Duration) -> Self {
        let keys: Arc<[RateKey]> = keys.into_iter().collect();
        let max = NonZeroUsize::new(MAX_KEYS).unwrap_or(NonZeroUsize::MIN);
        Self {
            counts_recipients: keys.iter().any(|key| key.is_about_recipient()),
            keys,
            buckets: Arc::new(Buckets::new(count, per, max)),
        }
    }

    /// Counts recipients, whatever the keys are.
    #[must_use]
    pub fn of_recipients(mut self) -> Self {
        self.counts_recipients = true;
        self
    }

    /// Remembers at most `max` keys, instead of [`MAX_KEYS`].
    #[must_use]
    pub fn with_max_keys(mut self, max: NonZeroUsize) -> Self {
        self.buckets = Arc::new(self.buckets.emptied(max));
        self
    }

    /// Whether recipients are counted, and not messages.
    pub fn counts_recipients(&self) -> bool {
        self.counts_recipients
    }
}

/// Takes a token from each limit that applies, or from none of them.
pub(super) fn take(limits: &[Limit], context: &Context, mail: &Mail, rcpt: Option<&Rcpt>) -> bool {
    let asked = |limit: &&Limit| limit.counts_recipients == rcpt.is_some();
    let mut taken: Vec<(&Limit, Box<str>)> = Vec::new();
    for limit in limits.iter().filter(asked) {
        let Some(key) = together(&limit.keys, context, mail, rcpt) else {
            continue;
        };
        if !limit.buckets.take(key.clone()) {
            for (limit, key) in taken {
                limit.buckets.put_back(&key);
            }
            return false;
        }
        taken.push((limit, key));
    }
    true
}
