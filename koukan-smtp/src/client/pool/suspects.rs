//! Hosts that have broken the protocol.

use std::{collections::HashMap, time::Duration};

use koukan_core::signals::HostPort;
use tokio::time::Instant;

/// How long a host is remembered: longer than the time between two attempts.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);
/// The most hosts that are remembered.
const HOSTS_MAX: usize = 1000;

/// Hosts whose replies could not be matched to commands, so that the outcome of a message that was
/// sent before the replies is unknown. With these hosts, each command waits for the previous reply.
#[derive(Debug, Default)]
pub(super) struct Suspects(HashMap<HostPort, Instant>);

impl Suspects {
    pub(super) fn contains(&self, host: &HostPort) -> bool {
        // Most agents never meet such a host.
        !self.0.is_empty()
            && self
                .0
                .get(host)
                .is_some_and(|until| *until > Instant::now())
    }

    pub(super) fn add(&mut self, host: &HostPort) {
        let now = Instant::now();
        if self.0.len() >= HOSTS_MAX {
            self.0.retain(|_, until| *until > now);
        }
        if self.0.len() >= HOSTS_MAX {
            let first = self.0.iter().min_by_key(|(_, until)| **until);
            if let Some(host) = first.map(|(host, _)| host.clone()) {
                self.0.remove(&host);
            }
        }
        self.0.insert(host.clone(), now + REMEMBERED);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn host(port: u16) -> HostPort {
        HostPort {
            host: "mx.example".into(),
            port,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_is_remembered_for_a_day() {
        let mut suspects = Suspects::default();
        suspects.add(&host(25));
        assert!(suspects.contains(&host(25)) && !suspects.contains(&host(26)));
        advance(REMEMBERED).await;
        assert!(!suspects.contains(&host(25)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_gives_way() {
        let mut suspects = Suspects::default();
        for port in 1..=1001 {
            suspects.add(&host(port));
            advance(Duration::from_secs(1)).await;
        }
        assert!(!suspects.contains(&host(1)));
        assert!(suspects.contains(&host(2)) && suspects.contains(&host(1001)));
    }
}
