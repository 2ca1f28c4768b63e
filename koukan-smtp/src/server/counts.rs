//! Counts by client, or by another key, that go down by one at intervals.

use std::{collections::HashMap, hash::Hash, time::Duration};

use koukan_core::shares::Client;
use tokio::time::Instant;

use crate::sync::{Mutex, MutexGuard, PoisonError};

/// The most clients with a count in one table.
const CLIENTS_MAX: usize = 1 << 14;
/// The shortest time between two searches for clients whose count is zero again.
const SWEEP: Duration = Duration::from_secs(10);

/// Counts by client. The number of clients is bounded; where one more comes, another one is forgotten.
#[derive(Debug)]
pub(super) struct Counts<K = Client>(Mutex<Table<K>>);

#[derive(Debug)]
struct Table<K> {
    all: HashMap<K, Count>,
    /// When clients whose count is zero were last removed.
    swept: Option<Instant>,
}

/// The bound on a client's count.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound {
    /// At this count the client has too much.
    pub(super) max: u32,
    /// From then on the client has too much until its count is down to this.
    pub(super) again: u32,
    /// How long until the count goes down by one.
    pub(super) forget: Duration,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    count: u32,
    /// Whether the client has had too much, and has not been forgiven yet.
    is_full: bool,
    bound: Bound,
    /// When the count last went down, or was first raised.
    since: Instant,
}

impl<K> Default for Counts<K> {
    fn default() -> Self {
        Self(Mutex::new(Table {
            all: HashMap::new(),
            swept: None,
        }))
    }
}

impl<K: Eq + Hash + Clone> Counts<K> {
    /// Adds to the count of a client and returns the new count, which is at most the bound. Returns
    /// `None`, and adds nothing, where the client already had too much.
    pub(super) fn add(&self, client: &K, more: u32, bound: Bound) -> Option<u32> {
        let now = Instant::now();
        let mut table = self.lock();
        table.make_room_for(client, now);
        let count = table.all.entry(client.clone()).or_insert(Count {
            count: 0,
            is_full: false,
            bound,
            since: now,
        });
        count.forget(now);
        count.bound = bound;
        if count.is_full || count.count >= bound.max {
            return None;
        }
        count.count = count.count.saturating_add(more).min(bound.max);
        count.is_full = count.count >= bound.max;
        Some(count.count)
    }

    /// Raises the count of a client to the bound, whatever it was; nothing of it is forgotten yet.
    pub(super) fn fill(&self, client: &K, bound: Bound) {
        let now = Instant::now();
        let mut table = self.lock();
        table.make_room_for(client, now);
        let count = Count {
            count: bound.max,
            is_full: true,
            bound,
            since: now,
        };
        table.all.insert(client.clone(), count);
    }

    /// Whether the client has too much.
    pub(super) fn is_full(&self, client: &K) -> bool {
        let count = self.lock().all.get(client).copied();
        count.is_some_and(|mut count| {
            count.forget(Instant::now());
            count.is_full
        })
    }

    /// Takes one back that should not have been counted.
    pub(super) fn take_back(&self, client: &K) {
        let mut table = self.lock();
        if let Some(count) = table.all.get_mut(client) {
            count.count = count.count.saturating_sub(1);
            count.is_full &= count.count > count.bound.again;
            if count.count == 0 {
                table.all.remove(client);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table<K>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash + Clone> Table<K> {
    /// Makes room for a client, if it has no count yet and there is none.
    fn make_room_for(&mut self, client: &K, now: Instant) {
        if self.all.len() >= CLIENTS_MAX && !self.all.contains_key(client) {
            self.make_room(now);
        }
    }

    /// Removes the clients whose count is zero; if there are none, removes one of the others.
    fn make_room(&mut self, now: Instant) {
        let is_due = |swept| now.saturating_duration_since(swept) >= SWEEP;
        if self.swept.is_none_or(is_due) {
            self.swept = Some(now);
            self.all.retain(|_, count| {
                count.forget(now);
                count.count > 0
            });
        }
        if self.all.len() >= CLIENTS_MAX
            && let Some(any) = self.all.keys().next().cloned()
        {
            self.all.remove(&any);
        }
    }
}

impl Count {
    fn forget(&mut self, now: Instant) {
        let forget = self.bound.forget.as_nanos().max(1);
        let passed = now.saturating_duration_since(self.since).as_nanos();
        let forgotten = u32::try_from(passed / forget).unwrap_or(u32::MAX);
        self.count = self.count.saturating_sub(forgotten);
        self.is_full &= self.count > self.bound.again;
        self.since = match self.count {
            0 => now,
            // The remainder of `passed` counts towards the next one.
            _ => self.since + self.bound.forget * forgotten,
        };
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use tokio::time::advance;

    use super::*;

    const BOUND: Bound = Bound {
        max: 3,
        again: 1,
        forget: Duration::from_millis(3600),
    };

    fn client(number: u32) -> Client {
        Client::at(IpAddr::V4(number.into()))
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_too_much_has_it_until_enough_is_forgotten() {
        let counts = Counts::<Client>::default();
        let add = |number| counts.add(&client(number), 1, BOUND);
        let added: Vec<_> = (0..4).map(|_| add(1)).collect();
        assert_eq!(added, [Some(1), Some(2), Some(3), None]);
        assert!(counts.is_full(&client(1)) && !counts.is_full(&client(2)));
        assert_eq!(add(2), Some(1));
        advance(Duration::from_millis(7199)).await;
        assert!(counts.is_full(&client(1)));
        assert_eq!(add(1), None);
        advance(Duration::from_millis(1)).await;
        assert!(!counts.is_full(&client(1)));
        assert_eq!((add(1), add(1), add(1)), (Some(2), Some(3), None));
        assert_eq!(counts.add(&client(3), 100, BOUND), Some(3));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_filled_again_is_full_for_the_whole_time() {
        let counts = Counts::default();
        let once = Bound {
            max: 1,
            again: 0,
            forget: Duration::from_secs(60),
        };
        for _ in 0..3 {
            counts.fill(&client(1), once);
            advance(Duration::from_secs(59)).await;
            assert!(counts.is_full(&client(1)));
        }
        advance(Duration::from_secs(1)).await;
        assert!(!counts.is_full(&client(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_clients_are_known_than_there_is_room_for() {
        let counts = Counts::default();
        for number in 0..CLIENTS_MAX as u32 + 10 {
            assert_eq!(counts.add(&client(number), 1, BOUND), Some(1));
        }
        assert_eq!(counts.lock().all.len(), CLIENTS_MAX);
        // Clients whose count is zero go first, all at once.
        advance(SWEEP).await;
        assert_eq!(counts.add(&client(u32::MAX), 1, BOUND), Some(1));
        assert_eq!(counts.lock().all.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_taken_back_was_never_there() {
        let counts = Counts::default();
        for _ in 0..10 {
            assert_eq!(counts.add(&client(1), 2, BOUND), Some(2));
            counts.take_back(&client(1));
            counts.take_back(&client(1));
        }
        assert!(counts.lock().all.is_empty());
    }
}
