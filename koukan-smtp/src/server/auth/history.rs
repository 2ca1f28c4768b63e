//! What is remembered of clients that have authenticated, or have tried to.

use std::{
    hash::{BuildHasher, RandomState},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use koukan_core::shares::Client;

use crate::server::{
    Limits,
    counts::{Bound, Counts},
};

/// How long until one failure is forgotten.
const FORGET: Duration = Duration::from_secs(60);
/// The largest factor by which the delay grows.
const GROWTH_MAX: u32 = 10;

/// The failures that are remembered of a neighbourhood.
const NEIGHBOURHOOD: Bound = Bound {
    max: 10,
    again: 9,
    forget: FORGET,
};
/// How long a success is remembered.
const SUCCESS: Bound = Bound {
    max: 1,
    again: 0,
    forget: Duration::from_secs(24 * 60 * 60),
};

/// A client, and the name of a user as the client writes it. Of the name there is a hash only, since the client chooses how
/// long it is.
type Named = (Client, u64);

/// Counts failures by client. An attempt counts as a failure from when it begins until it has
/// succeeded, so that a client gains nothing by many attempts at a time.
///
/// Many users may be behind one address, as those of a webmail server are. So a user who has authenticated from there lately may
/// go on when others there have failed too often. Failures in the name of one user are counted by themselves as well.
#[derive(Debug, Default)]
pub(in crate::server) struct History {
    failures: Counts,
    /// The failures of all clients of a neighbourhood.
    neighbourhoods: Counts,
    successes: Counts,
    /// The failures of a client in the name of one user.
    failures_as: Counts<Named>,
    successes_as: Counts<Named>,
    names: RandomState,
}

/// What is known of a client that authenticates. Whoever stands before others in this list has its turn before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::server) enum Standing {
    /// It has authenticated within a day.
    Known,
    /// Neither it nor its neighbourhood has failed lately.
    New,
    /// Somebody else of its neighbourhood has failed lately.
    Neighbour,
    /// It has failed lately, or tries several times at once.
    Failed,
}

/// An attempt that is under way.
#[derive(Debug)]
pub(in crate::server) struct Attempt {
    client: Client,
    /// How many failures the client has, with this attempt; `None` where it had too many before.
    count: Option<u32>,
    /// In whose name the attempt is, and how many failures the client has in that name, with this attempt.
    named: Option<(Named, u32)>,
    standing: Standing,
    is_counted_by_neighbourhood: bool,
}

impl History {
    /// Begins an attempt of a client; `None` where the client has failed too often, and no user has authenticated from there.
    pub(in crate::server) fn begin(&self, client: Client, limits: &Limits) -> Option<Attempt> {
        let is_known = self.successes.is_full(&client);
        let count = self.failures.add(&client, 1, bound(limits));
        if count.is_none() && !is_known {
            return None;
        }
        let neighbours = count.map(|_| neighbourhood(&client));
        let of_all = neighbours.and_then(|all| self.neighbourhoods.add(&all, 1, NEIGHBOURHOOD));
        let standing = match (count, of_all) {
            _ if is_known => Standing::Known,
            (Some(1), Some(1)) => Standing::New,
            (Some(1), _) => Standing::Neighbour,
            _ => Standing::Failed,
        };
        Some(Attempt {
            client,
            count,
            named: None,
            standing,
            is_counted_by_neighbourhood: of_all.is_some(),
        })
    }

    /// The client has said in whose name it makes the attempt, as far as its mechanism tells. Returns whether it may go on: not
    /// where there are too many failures in that name, nor where the client has too many in all, unless that user has
    /// authenticated from there. If it may not, the attempt is over, and is not counted.
    pub(in crate::server) fn names(
        &self,
        attempt: &mut Attempt,
        user: Option<&str>,
        limits: &Limits,
    ) -> bool {
        let named = user.map(|user| (attempt.client.clone(), self.names.hash_one(user)));
        let is_known = |named: &Named| self.successes_as.is_full(named);
        let may_ask = attempt.count.is_some() || named.as_ref().is_some_and(is_known);
        if may_ask {
            let Some(named) = named else {
                return true;
            };
            if let Some(count) = self.failures_as.add(&named, 1, bound(limits)) {
                attempt.named = Some((named, count));
                return true;
            }
        }
        self.take_back(attempt);
        false
    }

    /// Does not count the attempt: nothing was found out about the claim.
    pub(in crate::server) fn take_back(&self, attempt: &Attempt) {
        if attempt.count.is_some() {
            self.failures.take_back(&attempt.client);
        }
        if attempt.is_counted_by_neighbourhood {
            self.neighbourhoods
                .take_back(&neighbourhood(&attempt.client));
        }
        if let Some((named, _)) = &attempt.named {
            self.failures_as.take_back(named);
        }
    }

    /// The attempt has succeeded.
    pub(in crate::server) fn succeeded(&self, attempt: &Attempt) {
        self.take_back(attempt);
        self.successes.fill(&attempt.client, SUCCESS);
        if let Some((named, _)) = &attempt.named {
            self.successes_as.fill(named, SUCCESS);
        }
    }
}

/// How many failures are too many.
fn bound(limits: &Limits) -> Bound {
    let max = limits.failed_authentications;
    Bound {
        max,
        again: max.saturating_sub(1),
        forget: FORGET,
    }
}

impl Attempt {
    /// How long the client waits for the reply to this failure.
    pub(in crate::server) fn delay(&self, limits: &Limits) -> Duration {
        let in_name = self.named.as_ref().map(|(_, count)| *count);
        limits.authentication_delay * self.count.max(in_name).unwrap_or(0).min(GROWTH_MAX)
    }

    /// What was known of the client when the attempt began.
    pub(in crate::server) fn standing(&self) -> Standing {
        self.standing
    }
}

/// The network around a client, which may belong to one owner: a /24 of IPv4, a /48 of IPv6. A client without an
/// address is alone.
pub(super) fn neighbourhood(client: &Client) -> Client {
    match client {
        Client::Network(IpAddr::V4(address)) => {
            let network = address.to_bits() & (u32::MAX << 8);
            Client::Network(Ipv4Addr::from_bits(network).into())
        }
        Client::Network(IpAddr::V6(address)) => {
            let network = address.to_bits() & (u128::MAX << 80);
            Client::Network(Ipv6Addr::from_bits(network).into())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn client(number: u32) -> Client {
        Client::at(IpAddr::V4(number.into()))
    }

    fn at(address: &str) -> Client {
        Client::at(address.parse().unwrap())
    }

    fn limits() -> Limits {
        Limits {
            failed_authentications: 3,
            ..Limits::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn failures_are_counted_by_client_and_forgotten_one_by_one() {
        let (history, limits) = (History::default(), limits());
        let begin = |number| history.begin(client(number), &limits);
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
        let (history, limits) = (History::default(), limits());
        for _ in 0..10 {
            let attempts: Vec<_> = (0..9)
                .filter_map(|_| history.begin(client(1), &limits))
                .collect();
            assert_eq!(attempts.len(), 3);
            attempts.iter().for_each(|one| history.take_back(one));
        }
        let begun: Vec<_> = (0..9)
            .filter_map(|_| history.begin(client(1), &limits))
            .collect();
        assert_eq!(begun.len(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_authenticated_from_there_may_go_on_when_others_have_failed() {
        let (history, limits) = (History::default(), limits());
        let try_as = |user| {
            let mut attempt = history.begin(client(1), &limits)?;
            history
                .names(&mut attempt, user, &limits)
                .then_some(attempt)
        };
        let alice = || try_as(Some("alice"));
        history.succeeded(&alice().unwrap());
        for _ in 0..3 {
            assert!(try_as(Some("mallory")).is_some());
        }
        for stranger in [Some("mallory"), Some("bob"), Some("alice2"), None] {
            assert!(try_as(stranger).is_none(), "{stranger:?}");
        }
        advance(FORGET / 2).await;
        for _ in 0..9 {
            history.succeeded(&alice().unwrap());
        }
        // Somebody guesses in her name: as often as in any other.
        let delays: Vec<_> = (0..4)
            .map(|_| alice().map(|one| one.delay(&limits).as_secs()))
            .collect();
        assert_eq!(delays, [Some(1), Some(2), Some(3), None]);
        // One failure of the others is forgotten, and nobody asks in her name in its place.
        advance(FORGET / 2).await;
        assert!((0..9).all(|_| alice().is_none()));
        assert!(try_as(Some("bob")).is_some());
        advance(FORGET / 2).await;
        assert!(alice().is_some() && alice().is_none());
        // From elsewhere she is a stranger.
        assert!((0..3).all(|_| history.begin(client(2), &limits).is_some()));
        assert!(history.begin(client(2), &limits).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_stands_as_it_and_its_neighbours_have_done_lately() {
        let (history, limits) = (History::default(), limits());
        let standing = |address| history.begin(at(address), &limits).unwrap().standing();
        // Of IPv4 a /24 are neighbours, of IPv6 a /48; a client is a /64.
        for (one, other, elsewhere) in [
            ("192.0.2.1", "192.0.2.255", "192.0.3.1"),
            ("2001:db8:1:1::1", "2001:db8:1:2::1", "2001:db8:2:1::1"),
        ] {
            let before = [one, one, other, elsewhere].map(standing);
            let (failed, new) = (Standing::Failed, Standing::New);
            assert_eq!(before, [new, failed, Standing::Neighbour, new]);
            // All of it is forgotten in time: four failures of the neighbourhood, one a minute.
            advance(Duration::from_secs(4 * 60)).await;
            assert_eq!(standing(other), new);
            advance(Duration::from_secs(4 * 60)).await;
        }
        // Who has succeeded comes first, also after failures.
        let success = history.begin(at("192.0.2.1"), &limits).unwrap();
        history.succeeded(&success);
        for _ in 0..2 {
            assert_eq!(standing("192.0.2.1"), Standing::Known);
        }
        advance(Duration::from_secs(24 * 60 * 60)).await;
        assert_eq!(standing("192.0.2.1"), Standing::New);
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_neighbourhood_had_too_much_of_is_taken_back_from_nobody() {
        let (history, limits) = (History::default(), limits());
        let begin = |number: u32| history.begin(client(number), &limits).unwrap();
        for number in 0..NEIGHBOURHOOD.max {
            begin(number);
        }
        // This one was not counted any more.
        history.succeeded(&begin(20));
        advance(FORGET * (NEIGHBOURHOOD.max - 1)).await;
        assert_eq!(begin(30).standing(), Standing::Neighbour);
    }
}
