//! Token buckets by key.

use std::{
    collections::HashMap,
    fmt,
    num::{NonZeroU32, NonZeroUsize},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// A token bucket for each key, for a limited number of keys.
///
/// For each bucket only the time when it is full again is kept (the generic cell rate algorithm, ITU-T I.371).
/// A full bucket equals one that was never used, so it need not be kept.
pub(in crate::filter) struct Buckets {
    count: NonZeroU32,
    per: Duration,
    max: NonZeroUsize,
    full: Mutex<HashMap<Box<str>, Instant>>,
}

impl Buckets {
    /// `count` tokens in this time, for at most `max` keys.
    pub(in crate::filter) fn new(count: NonZeroU32, per: Duration, max: NonZeroUsize) -> Self {
        Self {
            count,
            per,
            max,
            full: Mutex::default(),
        }
    }

    /// The same for so many keys, of which nobody has asked for one.
    pub(in crate::filter) fn emptied(&self, max: NonZeroUsize) -> Self {
        Self::new(self.count, self.per, max)
    }

    /// Takes a token, if there is one.
    pub(in crate::filter) fn take(&self, key: Box<str>) -> bool {
        let now = Instant::now();
        let mut full = self.full.lock().unwrap_or_else(PoisonError::into_inner);
        let known = full.get(&key).copied();
        let then = known.unwrap_or(now).max(now) + self.per / self.count.get();
        if then - now > self.per {
            return false;
        }
        if known.is_none() && full.len() >= self.max.get() {
            forget(&mut full, now, self.max.get());
        }
        full.insert(key, then);
        true
    }

    /// Returns a token that was not needed.
    pub(in crate::filter) fn put_back(&self, key: &str) {
        let mut full = self.full.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(then) = full.get_mut(key) {
            let before = *then - self.per / self.count.get();
            *then = before;
        }
    }
}

/// Makes room: forgets full buckets, and if that is not enough those from which the least was taken. So heavy
/// users are remembered however many others come. It removes an eighth at once, so that it is rarely done.
fn forget(full: &mut HashMap<Box<str>, Instant>, now: Instant, max: usize) {
    full.retain(|_, then| *then > now);
    let kept = max - max.div_ceil(8);
    let Some(excess) = full.len().checked_sub(kept).filter(|excess| *excess > 0) else {
        return;
    };
    let mut all: Vec<_> = full.values().copied().collect();
    let (_, last, _) = all.select_nth_unstable(excess - 1);
    let last = *last;
    let mut left = excess;
    full.retain(|_, then| {
        let is_forgotten = left > 0 && *then <= last;
        left -= usize::from(is_forgotten);
        !is_forgotten
    });
}

impl fmt::Debug for Buckets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buckets({} in {:?})", self.count, self.per)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn buckets(count: u32, max: usize) -> Buckets {
        let [count, max] = [count as usize, max].map(|number| NonZeroUsize::new(number).unwrap());
        Buckets::new(count.try_into().unwrap(), SECOND, max)
    }

    fn taken(buckets: &Buckets, key: &str) -> usize {
        (0..100).take_while(|_| buckets.take(key.into())).count()
    }

    #[tokio::test(start_paused = true)]
    async fn a_bucket_holds_what_may_come_in_the_time_and_fills_as_it_passes() {
        let buckets = buckets(4, 10);
        assert_eq!(taken(&buckets, "a"), 4);
        assert_eq!(taken(&buckets, "b"), 4);
        advance(SECOND / 4).await;
        assert_eq!(taken(&buckets, "a"), 1);
        // What was refused has taken nothing, nor has what was given back.
        advance(SECOND / 2).await;
        assert!(buckets.take("a".into()));
        buckets.put_back("a");
        assert_eq!(taken(&buckets, "a"), 2);
        assert_eq!(taken(&buckets, "b"), 3);
        advance(10 * SECOND).await;
        assert_eq!(taken(&buckets, "a"), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_much_is_remembered_however_many_others_come() {
        let buckets = buckets(4, 16);
        assert_eq!(taken(&buckets, "greedy"), 4);
        for other in 0..1000 {
            assert!(buckets.take(other.to_string().into()));
            assert!(buckets.full.lock().unwrap().len() <= 16);
        }
        assert_eq!(taken(&buckets, "greedy"), 0);
        // Those that are full are forgotten first.
        advance(2 * SECOND).await;
        (0..16).for_each(|new| assert!(buckets.take(format!("new {new}").into())));
        let full = buckets.full.lock().unwrap();
        assert!(full.len() == 16 && full.keys().all(|key| key.starts_with("new")));
        drop(full);
        let one = super::tests::buckets(1, 1);
        assert!(one.take("a".into()) && one.take("b".into()) && !one.take("b".into()));
    }
}
