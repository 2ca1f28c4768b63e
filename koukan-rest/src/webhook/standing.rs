//! Since when a webhook has accepted nothing, and whether it was given up; stored beside its cursor.

use jiff::Timestamp;

/// The state of a webhook, kept over restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Standing {
    /// Since when it has accepted nothing; `None` while it accepts events.
    pub(super) since: Option<Timestamp>,
    /// Whether it was given up since then.
    pub(super) is_dead: bool,
}

impl Standing {
    /// The standing as a number, as cursors are stored: 0 while the webhook accepts events; otherwise twice the
    /// seconds since 1970 from which on it has not, plus one if it was given up.
    pub(super) fn to_number(self) -> u64 {
        let seconds = self.since.map_or(0, Timestamp::as_second);
        let seconds = u64::try_from(seconds).unwrap_or_default();
        seconds * 2 + u64::from(self.is_dead)
    }

    pub(super) fn of_number(number: u64) -> Self {
        let seconds = i64::try_from(number / 2).unwrap_or_default();
        let since = Timestamp::from_second(seconds).ok();
        Self {
            since: since.filter(|_| number > 0),
            is_dead: number % 2 == 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_it_was_after_a_restart() {
        let since = Some(Timestamp::constant(1_800_000_000, 0));
        for (standing, number) in [
            (Standing::default(), 0),
            (
                Standing {
                    since,
                    is_dead: false,
                },
                3_600_000_000,
            ),
            (
                Standing {
                    since,
                    is_dead: true,
                },
                3_600_000_001,
            ),
        ] {
            assert_eq!(standing.to_number(), number);
            assert_eq!(Standing::of_number(number), standing);
        }
    }
}
