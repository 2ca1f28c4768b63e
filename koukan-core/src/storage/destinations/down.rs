//! Destinations whose hosts do not answer.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::signals::HostPort;

use super::{Destinations, holds::Holds};

/// The hosts of a destination do not answer, so transactions queued for it wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Down {
    /// Since when they wait.
    pub(crate) since: Timestamp,
    /// When one attempt tries the hosts; it may be past.
    pub(crate) until: Timestamp,
    /// The hosts.
    pub(crate) hosts: Box<[HostPort]>,
}

impl Destinations {
    /// Destinations whose hosts do not answer, by host or domain.
    pub(crate) fn down(&self, now: Timestamp) -> BTreeMap<Box<str>, Down> {
        self.lock().holds.down(now, Instant::now())
    }
}

impl Holds {
    fn down(&self, now: Timestamp, instant: Instant) -> BTreeMap<Box<str>, Down> {
        let at = |other: Instant| {
            let later = now.checked_add(other.saturating_duration_since(instant));
            let passed = instant.saturating_duration_since(other);
            let time = later.and_then(|later| later.checked_sub(passed));
            time.unwrap_or(now)
        };
        let mut down = BTreeMap::new();
        for hold in self.holds() {
            for key in hold.keys() {
                let of_host = || Down {
                    since: at(hold.since()),
                    until: at(hold.until()),
                    hosts: hold.hosts().into(),
                };
                down.entry(Box::from(key.host())).or_insert_with(of_host);
            }
        }
        down
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::ToSpan;
    use tokio::time::advance;

    use super::*;
    use crate::{
        context::{Context, Sender},
        path::ForwardPath,
        reply::Unreached,
        storage::record::{Recipient, SchedulingKey, TransactionId},
        transaction::Rcpt,
    };

    #[tokio::test(start_paused = true)]
    async fn what_is_held_back_is_down_since_then() {
        let destinations = Destinations::default();
        let recipient = Recipient {
            rcpt: Rcpt::new("bob@X.example".parse::<ForwardPath>().unwrap()),
            settled: None,
        };
        let key = SchedulingKey::of(&Context::new(Sender::new("out")), &[recipient]);
        let host: HostPort = "mx.example:25".parse().unwrap();
        let unreached = Unreached {
            hosts: [host.clone()].into(),
            until: Instant::now() + Duration::from_secs(60),
            is_tried: true,
        };
        assert!(destinations.unreached(&key, TransactionId::random(), &unreached));
        advance(Duration::from_secs(20)).await;
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let expected = Down {
            since: now - 20.seconds(),
            until: now + 40.seconds(),
            hosts: [host.clone()].into(),
        };
        let down = destinations.down(now);
        assert_eq!(Vec::from_iter(down), [("x.example".into(), expected)]);
        destinations.reached(&key, &host);
        assert!(destinations.down(now).is_empty());
    }
}
