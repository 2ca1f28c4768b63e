//! Whether a client sends a message fast enough.

use std::time::Duration;

use crate::server::{Limits, ServerTimeouts};

/// How long the server has waited for a client, and how much it has sent, since a message began.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Pace {
    waited: Duration,
    octets: u64,
}

impl Pace {
    /// How long to wait for the next octets.
    pub(super) fn patience(&self, limits: &Limits, timeouts: &ServerTimeouts) -> Duration {
        self.left(limits, timeouts).min(timeouts.data_block)
    }

    /// How long the client may still take in all, unless it sends more.
    pub(super) fn left(&self, limits: &Limits, timeouts: &ServerTimeouts) -> Duration {
        let earned = Duration::from_secs(
            self.octets
                .checked_div(limits.data_rate)
                .unwrap_or(u64::MAX),
        );
        timeouts
            .data_grace
            .saturating_add(earned)
            .saturating_sub(self.waited)
    }

    /// Notes how much of the message the client has sent in all, including octets that were there before.
    pub(super) fn has_brought(&mut self, octets: u64) {
        self.octets = self.octets.max(octets);
    }

    /// Notes that the server waited for the client, which then sent something.
    pub(super) fn received(&mut self, waited: Duration, octets: usize) {
        self.waited += waited;
        self.octets += octets as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_is_earned_by_octets() {
        let seconds = Duration::from_secs;
        let limits = Limits {
            data_rate: 10,
            ..Limits::default()
        };
        let timeouts = ServerTimeouts {
            data_block: seconds(100),
            data_grace: seconds(50),
            ..ServerTimeouts::default()
        };
        let mut pace = Pace::default();
        assert_eq!(pace.patience(&limits, &timeouts), seconds(50));
        pace.received(seconds(40), 50);
        assert_eq!(pace.patience(&limits, &timeouts), seconds(15));
        pace.received(seconds(15), 0);
        assert_eq!(pace.patience(&limits, &timeouts), seconds(0));
        pace.received(seconds(0), 10_000);
        assert_eq!(pace.patience(&limits, &timeouts), seconds(100));
    }

    /// A lawful client may take three minutes for each block that it sends, but not for each octet.
    #[test]
    fn by_default_a_client_may_be_silent_once_however_little_it_has_sent() {
        let (limits, timeouts) = (Limits::default(), ServerTimeouts::default());
        let (minute, block) = (Duration::from_secs(60), timeouts.data_block);
        let mut pace = Pace::default();
        assert_eq!(pace.patience(&limits, &timeouts), 3 * minute);
        pace.received(minute, 1);
        assert_eq!(pace.patience(&limits, &timeouts), block);
        pace.received(block, 1);
        assert_eq!(pace.patience(&limits, &timeouts), Duration::ZERO);
        pace.received(Duration::ZERO, 6000);
        assert_eq!(pace.patience(&limits, &timeouts), minute);
    }

    #[test]
    fn without_a_rate_only_silence_counts() {
        let limits = Limits {
            data_rate: 0,
            ..Limits::default()
        };
        let timeouts = ServerTimeouts::default();
        let mut pace = Pace::default();
        pace.received(Duration::from_secs(100_000), 1);
        assert_eq!(pace.patience(&limits, &timeouts), timeouts.data_block);
    }
}
