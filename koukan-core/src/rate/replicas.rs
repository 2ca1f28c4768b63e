//! The number of replicas among which a host's limits are divided: [`ReplicaCount`].

use std::{
    fmt,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;

use super::waiters::Waiters;

/// The number of replicas of an agent that send to the same hosts; 1 unless it is set. Clones share it.
///
/// Each replica has an equal share of a limit, rounded down, but at least one. So together they do not exceed the
/// limit, unless there are more replicas than the limit is large.
///
/// # Example
///
/// ```
/// use koukan_core::rate::ReplicaCount;
///
/// let replicas = ReplicaCount::default();
/// assert_eq!(replicas.share(10), 10);
/// replicas.set(3);
/// assert_eq!((replicas.share(10), replicas.share(2)), (3, 1));
/// ```
#[derive(Clone, Default)]
pub struct ReplicaCount(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// Zero if it was not set.
    count: AtomicU32,
    waiters: Waiters,
}

impl ReplicaCount {
    /// How many there are.
    pub fn count(&self) -> NonZeroU32 {
        NonZeroU32::new(self.0.count.load(Ordering::Relaxed)).unwrap_or(NonZeroU32::MIN)
    }

    /// Sets the number from now on. Whoever waits for a share of what hosts take is woken if it changes.
    pub fn set(&self, count: u32) {
        if self.0.count.swap(count, Ordering::Relaxed) != count {
            self.0.waiters.wake();
        }
    }

    /// Notifies `waiter` from now on, as long as somebody holds it, when the number changes.
    pub fn tell(&self, waiter: &Arc<Notify>) {
        self.0.waiters.add(waiter);
    }

    /// This replica's share of a limit.
    pub fn share(&self, of: usize) -> usize {
        let count = usize::try_from(self.count().get()).unwrap_or(usize::MAX);
        (of / count).max(1)
    }
}

impl PartialEq for ReplicaCount {
    /// Whether they are the same.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for ReplicaCount {}

impl fmt::Debug for ReplicaCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReplicaCount").field(&self.count()).finish()
    }
}

/// The share of one replica of `count` in a time, in the smallest numbers. If there are more replicas than
/// messages, each has one message in a multiple of the time.
pub(super) fn share_of(count: u32, per: Duration, replicas: NonZeroU32) -> (usize, Duration) {
    let each = count / replicas;
    if each == 0 {
        return (1, per * replicas.get().div_ceil(count.max(1)));
    }
    let seconds = per.as_secs();
    let shared = match per.subsec_nanos() {
        0 if seconds > 0 => gcd(u64::from(each), seconds),
        _ => 1,
    };
    let count = usize::try_from(u64::from(each) / shared).unwrap_or(usize::MAX);
    match shared {
        1 => (count, per),
        _ => (count, Duration::from_secs(seconds / shared)),
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    match b {
        0 => a,
        _ => gcd(b, a % b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_together_have_no_more_than_there_is() {
        let second = Duration::from_secs(1);
        for (count, per, replicas, expected) in [
            (10, second, 1, (10, second)),
            (10, second, 3, (3, second)),
            (100, 60 * second, 2, (5, 6 * second)),
            (3, second, 3, (1, second)),
            (2, second, 3, (1, 2 * second)),
            (1, second, 5, (1, 5 * second)),
            (4, second / 2, 3, (1, second / 2)),
        ] {
            let each = share_of(count, per, NonZeroU32::new(replicas).unwrap());
            assert_eq!(each, expected, "{count} in {per:?} among {replicas}");
            let in_time = |count: f64, per: Duration| count / per.as_secs_f64();
            #[allow(clippy::cast_precision_loss, reason = "small numbers")]
            let all = in_time((each.0 * replicas as usize) as f64, each.1);
            assert!(all <= in_time(f64::from(count), per) + 1e-9);
        }
    }
}
