//! Hosts that do not answer: a pure calculation.

use std::{collections::HashMap, time::Duration};

use koukan_core::signals::HostPort;
use tokio::time::Instant;

/// How long nobody tries a host that has failed again: the first and the longest time.
const BACK_OFF: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(60)];
/// How long a host that greets but is silent within transactions is tried by one caller only.
const TRIAL: Duration = Duration::from_secs(30);
/// How long after that it is remembered.
const REMEMBERED: Duration = Duration::from_secs(10 * 60);
/// The most hosts that are remembered.
const HOSTS_MAX: usize = 1000;

/// Hosts that could not be reached, did not greet, or did not answer in time.
///
/// ```text
///            fails                 fails again                      the time is over
/// (unknown) ───────▶ tried by all ─────────────▶ tried by nobody ─────────────────────▶ tried by one
///     ▲                  │                              ▲                                   │    │
///     └── answers ───────┘                              └── fails: twice as long ───────────┘    │
///     └── answers ───────────────────────────────────────────────────────────────────────────────┘
/// ```
///
/// Callers that may not try the host are told so at once; while another one tries it, they are told
/// after a moment in which its result may arrive. A host only counts as failed again after a
/// second, so a moment of trouble has no effect. Attempts that were running when a host failed say
/// nothing new when they fail as well.
#[derive(Debug, Default)]
pub(super) struct Standings(HashMap<HostPort, Down>);

#[derive(Debug, Clone)]
struct Down {
    /// When it first failed, and when it last failed.
    since: Instant,
    failed: Instant,
    failures: u32,
    /// From when on one caller may try it.
    next: Instant,
    is_tried: bool,
    /// Whether it was silent within a transaction the last time: a greeting then says little.
    is_silent: bool,
}

/// How an attempt at a host has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failed {
    /// It could not be reached, or did not greet.
    ToGreet,
    /// It was silent within a transaction.
    ToAnswer,
}

/// Whether a host may be connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    /// There is nothing against it.
    Free,
    /// The caller may try it, and nobody else meanwhile.
    Probe,
    /// It has not answered for that long, after that many attempts, and may be tried again then.
    Down {
        since: Duration,
        failures: u32,
        until: Instant,
    },
}

impl Standings {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a host may be connected to. A caller that gets [`Leave::Probe`] must report the result.
    pub(super) fn ask(&mut self, host: &HostPort, now: Instant) -> Leave {
        match self.0.get_mut(host) {
            Some(down) if down.counts(now) => {
                if down.is_tried || now < down.next {
                    return down.leave(now);
                }
                down.is_tried = true;
                Leave::Probe
            }
            _ => Leave::Free,
        }
    }

    /// Whether somebody is trying a host that need no longer be left alone.
    pub(super) fn is_tried(&self, host: &HostPort, now: Instant) -> bool {
        let is_tried = |down: &Down| down.counts(now) && down.is_tried && now >= down.next;
        self.0.get(host).is_some_and(is_tried)
    }

    /// Like [`Standings::ask`], for a caller that does not try it.
    pub(super) fn look(&self, host: &HostPort, now: Instant) -> Leave {
        match self.0.get(host) {
            Some(down) if down.counts(now) && (down.is_tried || now < down.next) => down.leave(now),
            _ => Leave::Free,
        }
    }

    /// An attempt that began at `begun` has failed. `unit`, from 0 up to 1, spreads the time until
    /// the next one; returns when that is.
    pub(super) fn failed(
        &mut self,
        host: &HostPort,
        how: Failed,
        begun: Instant,
        now: Instant,
        unit: f64,
    ) -> Instant {
        self.make_room(now);
        let new = Down {
            since: now,
            failed: begun,
            failures: 0,
            next: now,
            is_tried: false,
            is_silent: false,
        };
        let down = self.0.entry(host.clone()).or_insert_with(|| new.clone());
        if down.is_forgotten(now) {
            *down = new;
        }
        down.is_tried = false;
        down.is_silent = how == Failed::ToAnswer;
        // Failures at the same moment count as one.
        let is_new = match down.failures {
            0 => true,
            1 => begun >= down.failed + BACK_OFF[0],
            _ => begun >= down.failed,
        };
        if !is_new {
            return down.until(now);
        }
        down.failed = now;
        down.failures = down.failures.saturating_add(1);
        let [first, most] = BACK_OFF;
        let doublings = down.failures.saturating_sub(2).min(16);
        let back_off = most.min(first * (1 << doublings));
        down.next = now + back_off.mul_f64(0.75 + unit / 2.0);
        down.until(now)
    }

    /// The next caller may try the host, unless somebody is trying it now.
    pub(super) fn force(&mut self, host: &HostPort, now: Instant) {
        if let Some(down) = self.0.get_mut(host) {
            down.next = down.next.min(now);
        }
    }

    /// The caller that was to try it has no result.
    pub(super) fn not_tried(&mut self, host: &HostPort) {
        if let Some(down) = self.0.get_mut(host) {
            down.is_tried = false;
        }
    }

    /// The host has sent its greeting.
    pub(super) fn greeted(&mut self, host: &HostPort, now: Instant) {
        match self.0.get_mut(host) {
            Some(down) if down.is_silent => down.next = now + TRIAL,
            _ => self.answered(host),
        }
    }

    /// The host has completed a transaction.
    pub(super) fn answered(&mut self, host: &HostPort) {
        self.0.remove(host);
    }

    fn make_room(&mut self, now: Instant) {
        if self.0.len() < HOSTS_MAX {
            return;
        }
        self.0.retain(|_, down| !down.is_forgotten(now));
        if self.0.len() >= HOSTS_MAX {
            let oldest = self.0.iter().min_by_key(|(_, down)| down.failed);
            if let Some(host) = oldest.map(|(host, _)| host.clone()) {
                self.0.remove(&host);
            }
        }
    }
}

impl Down {
    /// Whether it restricts any caller.
    fn counts(&self, now: Instant) -> bool {
        self.failures > 1 && !self.is_forgotten(now)
    }

    fn is_forgotten(&self, now: Instant) -> bool {
        now >= self.next + REMEMBERED
    }

    fn leave(&self, now: Instant) -> Leave {
        Leave::Down {
            since: now.duration_since(self.since),
            failures: self.failures,
            until: self.until(now),
        }
    }

    /// When to ask again; if somebody is trying it, soon.
    fn until(&self, now: Instant) -> Instant {
        self.next.max(now + BACK_OFF[0] / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn host(port: u16) -> HostPort {
        HostPort {
            host: "mx.example".into(),
            port,
        }
    }

    #[tokio::test]
    async fn who_fails_again_is_left_alone_for_longer_each_time() {
        let mut standings = Standings::default();
        let (mut now, host) = (Instant::now(), host(25));
        standings.failed(&host, Failed::ToGreet, now, now, 0.5);
        assert_eq!(standings.ask(&host, now), Leave::Free, "once is nothing");
        now += SECOND;
        standings.failed(&host, Failed::ToGreet, now, now, 0.5);
        let mut waits = Vec::new();
        for _ in 0..8 {
            let begun = now;
            while standings.ask(&host, now) != Leave::Probe {
                now += SECOND / 2;
            }
            waits.push((now - begun).as_secs());
            let down = |leave| matches!(leave, Leave::Down { .. });
            assert!(down(standings.ask(&host, now)), "one tries it, not two");
            assert!(down(standings.look(&host, now)));
            standings.failed(&host, Failed::ToGreet, now, now, 0.5);
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        standings.answered(&host);
        assert_eq!(standings.ask(&host, now), Leave::Free);
        assert!(standings.is_empty());
    }

    #[tokio::test]
    async fn what_was_under_way_counts_once_and_who_gives_up_leaves_it_to_the_next() {
        let mut standings = Standings::default();
        let (start, host) = (Instant::now(), host(25));
        for _ in 0..100 {
            standings.failed(&host, Failed::ToGreet, start, start + SECOND, 0.0);
        }
        assert_eq!(standings.ask(&host, start + SECOND), Leave::Free);
        standings.failed(
            &host,
            Failed::ToGreet,
            start + 3 * SECOND / 2,
            start + 2 * SECOND,
            0.0,
        );
        assert_eq!(standings.ask(&host, start + 2 * SECOND), Leave::Free);
        standings.failed(
            &host,
            Failed::ToGreet,
            start + 2 * SECOND,
            start + 3 * SECOND,
            0.0,
        );
        let later = start + 4 * SECOND;
        assert_eq!(
            standings.look(&host, start + 3 * SECOND),
            Leave::Down {
                since: 2 * SECOND,
                failures: 2,
                until: start + 15 * SECOND / 4,
            }
        );
        assert_eq!(standings.ask(&host, later), Leave::Probe);
        standings.not_tried(&host);
        assert_eq!(standings.ask(&host, later), Leave::Probe);
    }

    #[tokio::test]
    async fn who_greets_and_is_silent_then_is_tried_by_one_at_a_time() {
        let mut standings = Standings::default();
        let (mut now, host) = (Instant::now(), host(25));
        for _ in 0..2 {
            standings.failed(&host, Failed::ToAnswer, now, now, 0.5);
            now += SECOND;
        }
        assert_eq!(standings.ask(&host, now), Leave::Probe);
        standings.greeted(&host, now);
        standings.not_tried(&host);
        assert!(matches!(
            standings.ask(&host, now + SECOND),
            Leave::Down { .. }
        ));
        assert_eq!(standings.ask(&host, now + TRIAL), Leave::Probe);
        standings.answered(&host);
        assert!(standings.is_empty());
    }

    #[tokio::test]
    async fn an_old_failure_counts_no_more() {
        let mut standings = Standings::default();
        let (start, host) = (Instant::now(), host(25));
        for failed in [start, start + 2 * SECOND] {
            standings.failed(&host, Failed::ToGreet, failed, failed, 0.5);
        }
        let later = start + 2 * REMEMBERED;
        assert_eq!(standings.ask(&host, later), Leave::Free);
        standings.failed(&host, Failed::ToGreet, later, later, 0.5);
        assert_eq!(standings.ask(&host, later), Leave::Free);
    }

    #[tokio::test]
    async fn there_is_an_end_to_what_is_remembered() {
        let mut standings = Standings::default();
        let mut now = Instant::now();
        for port in 1..=1001 {
            standings.failed(&host(port), Failed::ToGreet, now, now, 0.5);
            now += SECOND / 1000;
        }
        assert_eq!(standings.0.len(), HOSTS_MAX);
        assert!(!standings.0.contains_key(&host(1)));
    }
}
