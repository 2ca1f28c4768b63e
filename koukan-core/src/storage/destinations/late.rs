//! When mail that is held back for long is looked for: pure.

use std::time::Duration;

use tokio::time::Instant;

use crate::storage::record::SchedulingKey;

/// How often it is looked for, at most.
const ROUND: Duration = Duration::from_secs(5);

/// The time of the next round.
///
/// Storage is asked once after each round, and what comes later is noted as it comes. So nobody looks
/// while nothing is late.
#[derive(Debug, Default)]
pub(super) struct Late {
    /// When something is next late, as far as is known.
    next: Option<Instant>,
    /// The next round is not before this.
    not_before: Option<Instant>,
    /// The destinations that the answer does not cover; `None` where storage must be asked.
    except: Option<Vec<SchedulingKey>>,
}

impl Late {
    /// Whether it is time to look.
    pub(super) fn is_round(&self, now: Instant) -> bool {
        self.next_round().is_some_and(|next| next <= now)
    }

    /// When to look next.
    pub(super) fn next_round(&self) -> Option<Instant> {
        let next = self.next?;
        Some(self.not_before.map_or(next, |first| first.max(next)))
    }

    /// Whether storage has said when something is late, at most for the destinations that are left
    /// out now as well.
    pub(super) fn is_known(&self, except: &[SchedulingKey]) -> bool {
        let known = self.except.as_ref();
        known.is_some_and(|known| known.iter().all(|key| except.contains(key)))
    }

    /// Notes the answer of storage, which does not cover these destinations.
    pub(super) fn known(&mut self, next: Option<Instant>, except: &[SchedulingKey]) {
        self.except = Some(except.to_vec());
        if let Some(next) = next {
            self.note(next);
        }
    }

    /// Notes that something will be late at this time. Returns whether the next round is sooner
    /// because of that.
    pub(super) fn note(&mut self, at: Instant) -> bool {
        let before = self.next_round();
        self.next = Some(self.next.map_or(at, |next| next.min(at)));
        self.next_round() != before
    }

    /// Nothing is held back for now.
    pub(super) fn forget(&mut self) {
        self.next = None;
        self.except = None;
    }

    /// Notes that everything late was found, except for some destinations where that was `in_part`.
    pub(super) fn round_done(&mut self, now: Instant, in_part: bool) {
        self.forget();
        // The others are looked for when there is room for them.
        self.not_before = (!in_part).then(|| now + ROUND);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{Context, Sender};

    const SECOND: Duration = Duration::from_secs(1);

    fn keys(names: &[&str]) -> Vec<SchedulingKey> {
        let key = |name: &&str| SchedulingKey::of(&Context::new(Sender::new(*name)), &[]);
        names.iter().map(key).collect()
    }

    #[tokio::test]
    async fn there_is_a_round_when_something_is_late_and_not_too_often() {
        let (mut late, now) = (Late::default(), Instant::now());
        assert!(!late.is_known(&[]) && !late.is_round(now));
        late.known(None, &[]);
        assert!(late.is_known(&[]) && !late.is_round(now + 99 * SECOND));
        assert!(late.note(now + 9 * SECOND));
        assert!(!late.note(now + 10 * SECOND), "it is no sooner");
        assert!(late.note(now + 8 * SECOND));
        assert_eq!(late.next_round(), Some(now + 8 * SECOND));
        assert!(late.is_round(now + 8 * SECOND));
        late.round_done(now + 8 * SECOND, false);
        assert!(!late.is_known(&[]) && !late.is_round(now + 99 * SECOND));
        assert!(late.note(now + 2 * SECOND));
        assert!(!late.note(now + SECOND), "there is none before that");
        assert_eq!(late.next_round(), Some(now + 8 * SECOND + ROUND));
        late.round_done(now + 13 * SECOND, true);
        assert!(late.note(now + 13 * SECOND) && late.is_round(now + 13 * SECOND));
    }

    #[tokio::test]
    async fn who_was_left_out_is_asked_for_later() {
        let (mut late, now) = (Late::default(), Instant::now());
        late.known(Some(now), &keys(&["a", "b"]));
        assert!(late.is_known(&keys(&["b", "a", "c"])));
        assert!(!late.is_known(&keys(&["a"])));
        late.known(Some(now + SECOND), &keys(&["a"]));
        assert!(late.is_known(&keys(&["a"])));
        assert_eq!(late.next_round(), Some(now), "what was known before stays");
    }
}
