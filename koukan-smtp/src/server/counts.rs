//! Counts by client, of which one is forgotten every so often.

use std::{collections::HashMap, time::Duration};

use koukan_core::shares::Client;
use tokio::time::Instant;

use crate::sync::{Mutex, MutexGuard, PoisonError};

/// Clients of which something is known, at most.
const CLIENTS_MAX: usize = 1 << 14;
/// How often clients are looked for of which all is forgotten, at most.
const SWEEP: Duration = Duration::from_secs(10);

/// Counts by client. There is room for so many clients; of one more, some other is forgotten.
#[derive(Debug, Default)]
pub(super) struct Counts(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    all: HashMap<Client, Count>,
    /// When those were last looked for that can go.
    swept: Option<Instant>,
}

/// What a client may have counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound {
    /// How much at most: then it has too much.
    pub(super) max: u32,
    /// It has too much until no more than this is left.
    pub(super) again: u32,
    /// How long until one is forgotten.
    pub(super) forget: Duration,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    count: u32,
    /// Whether there were too many, and too many are left.
    is_full: bool,
    bound: Bound,
    /// When the last one was forgotten, or the first counted.
    since: Instant,
}

impl Counts {
    /// Adds so much to what was counted of a client, and returns what that is now, the bound at most;
    /// `None`, and adds nothing, where the client had too much before.
    pub(super) fn add(&self, client: &Client, more: u32, bound: Bound) -> Option<u32> {
        let now = Instant::now();
        let mut table = self.lock();
        if table.all.len() >= CLIENTS_MAX && !table.all.contains_key(client) {
            table.make_room(now);
        }
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

    /// Whether the client has too much.
    pub(super) fn is_full(&self, client: &Client) -> bool {
        let count = self.lock().all.get(client).copied();
        count.is_some_and(|mut count| {
            count.forget(Instant::now());
            count.is_full
        })
    }

    /// One was none.
    pub(super) fn take_back(&self, client: &Client) {
        let mut table = self.lock();
        if let Some(count) = table.all.get_mut(client) {
            count.count = count.count.saturating_sub(1);
            count.is_full &= count.count > count.bound.again;
            if count.count == 0 {
                table.all.remove(client);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Forgets clients of which all is forgotten, or else one of the others.
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
            // Less than `passed`, since not all are forgotten.
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
        let counts = Counts::default();
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
    async fn no_more_clients_are_known_than_there_is_room_for() {
        let counts = Counts::default();
        for number in 0..CLIENTS_MAX as u32 + 10 {
            assert_eq!(counts.add(&client(number), 1, BOUND), Some(1));
        }
        assert_eq!(counts.lock().all.len(), CLIENTS_MAX);
        // Those of which all is forgotten go first, all at once.
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
