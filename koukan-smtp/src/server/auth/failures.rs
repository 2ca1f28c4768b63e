//! Who has failed to authenticate himself, and how often.

use std::{collections::HashMap, time::Duration};

use koukan_core::shares::Client;
use tokio::time::Instant;

use crate::{
    server::Limits,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// How long until one failure is forgotten.
const FORGET: Duration = Duration::from_secs(60);
/// Clients of which failures are known, at most.
const CLIENTS_MAX: usize = 1 << 14;
/// By how much a delay grows, at most.
const GROWTH_MAX: u32 = 10;

/// Counts failures by client. An attempt counts as one from when it begins until it has succeeded, so
/// that many at a time are no way round.
#[derive(Debug, Default)]
pub(in crate::server) struct Failures(Mutex<HashMap<Client, Failed>>);

#[derive(Debug, Clone, Copy)]
struct Failed {
    count: u32,
    /// When the last one was forgotten, or the first counted.
    since: Instant,
}

/// An attempt that is under way.
#[derive(Debug)]
pub(in crate::server) struct Attempt {
    client: Client,
    count: u32,
}

impl Failures {
    /// An attempt of a client; `None` where it has failed too often.
    pub(in crate::server) fn begin(&self, client: Client, limits: &Limits) -> Option<Attempt> {
        let now = Instant::now();
        let mut all = self.lock();
        if all.len() >= CLIENTS_MAX && !all.contains_key(&client) {
            make_room(&mut all, now);
        }
        let failed = all.entry(client.clone()).or_insert(Failed {
            count: 0,
            since: now,
        });
        failed.forget(now);
        if failed.count >= limits.failed_authentications {
            return None;
        }
        failed.count += 1;
        Some(Attempt {
            client,
            count: failed.count,
        })
    }

    /// The attempt has succeeded, or nobody could tell.
    pub(in crate::server) fn take_back(&self, attempt: Attempt) {
        let mut all = self.lock();
        if let Some(failed) = all.get_mut(&attempt.client) {
            failed.count = failed.count.saturating_sub(1);
            if failed.count == 0 {
                all.remove(&attempt.client);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Client, Failed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt {
    /// How long the client waits to hear that it has failed.
    pub(in crate::server) fn delay(&self, limits: &Limits) -> Duration {
        limits.authentication_delay * self.count.min(GROWTH_MAX)
    }
}

impl Failed {
    fn forget(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.since);
        let forgotten = passed.as_secs() / FORGET.as_secs();
        self.count = self
            .count
            .saturating_sub(u32::try_from(forgotten).unwrap_or(u32::MAX));
        self.since = match self.count {
            0 => now,
            _ => self.since + FORGET * u32::try_from(forgotten).unwrap_or(0),
        };
    }
}

/// Forgets clients whose failures are all forgotten, or else one of the others.
fn make_room(all: &mut HashMap<Client, Failed>, now: Instant) {
    all.retain(|_, failed| {
        failed.forget(now);
        failed.count > 0
    });
    if all.len() >= CLIENTS_MAX
        && let Some(any) = all.keys().next().cloned()
    {
        all.remove(&any);
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use tokio::time::advance;

    use super::*;

    fn client(number: u32) -> Client {
        Client::at(IpAddr::V4(number.into()))
    }

    fn limits() -> Limits {
        Limits {
            failed_authentications: 3,
            ..Limits::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn failures_are_counted_by_client_and_forgotten_one_by_one() {
        let (failures, limits) = (Failures::default(), limits());
        let begin = |number| failures.begin(client(number), &limits);
        let delays: Vec<_> = (0..4)
            .map(|_| begin(1).map(|one| one.delay(&limits).as_secs()))
            .collect();
        assert_eq!(delays, [Some(1), Some(2), Some(3), None]);
        assert!(begin(2).is_some());
        advance(Duration::from_secs(59)).await;
        assert!(begin(1).is_none());
        advance(Duration::from_secs(1)).await;
        assert!(begin(1).is_some() && begin(1).is_none());
        advance(Duration::from_secs(600)).await;
        assert_eq!((0..9).filter_map(|_| begin(1)).count(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn who_succeeds_is_not_counted_however_many_at_a_time() {
        let (failures, limits) = (Failures::default(), limits());
        for _ in 0..10 {
            let attempts: Vec<_> = (0..9)
                .filter_map(|_| failures.begin(client(1), &limits))
                .collect();
            assert_eq!(attempts.len(), 3);
            attempts.into_iter().for_each(|one| failures.take_back(one));
        }
        assert!(failures.lock().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_clients_are_known_than_there_is_room_for() {
        let (failures, limits) = (Failures::default(), limits());
        for number in 0..CLIENTS_MAX as u32 + 10 {
            assert!(failures.begin(client(number), &limits).is_some());
        }
        assert_eq!(failures.lock().len(), CLIENTS_MAX);
    }
}
