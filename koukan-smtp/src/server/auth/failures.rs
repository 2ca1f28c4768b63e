//! Counts failed authentications by client.

use std::time::Duration;

use koukan_core::shares::Client;

use crate::server::{
    Limits,
    counts::{Bound, Counts},
};

/// How long until one failure is forgotten.
const FORGET: Duration = Duration::from_secs(60);
/// The largest factor by which the delay grows.
const GROWTH_MAX: u32 = 10;

/// Counts failures by client. An attempt counts as a failure from when it begins until it has
/// succeeded, so that a client gains nothing by many attempts at a time.
#[derive(Debug, Default)]
pub(in crate::server) struct Failures(Counts);

/// An attempt that is under way.
#[derive(Debug)]
pub(in crate::server) struct Attempt {
    client: Client,
    count: u32,
}

impl Failures {
    /// Begins an attempt of a client; `None` where the client has failed too often.
    pub(in crate::server) fn begin(&self, client: Client, limits: &Limits) -> Option<Attempt> {
        let max = limits.failed_authentications;
        let bound = Bound {
            max,
            again: max.saturating_sub(1),
            forget: FORGET,
        };
        let count = self.0.add(&client, 1, bound)?;
        Some(Attempt { client, count })
    }

    /// Does not count the attempt: it has succeeded, or the authenticator could not decide.
    pub(in crate::server) fn take_back(&self, attempt: &Attempt) {
        self.0.take_back(&attempt.client);
    }
}

impl Attempt {
    /// How long the client waits for the reply to this failure.
    pub(in crate::server) fn delay(&self, limits: &Limits) -> Duration {
        limits.authentication_delay * self.count.min(GROWTH_MAX)
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
            attempts.iter().for_each(|one| failures.take_back(one));
        }
        let begun: Vec<_> = (0..9)
            .filter_map(|_| failures.begin(client(1), &limits))
            .collect();
        assert_eq!(begun.len(), 3);
    }
}
