//! The delay for a transaction that may crash the process.

use std::time::Duration;

/// How many crashes in a row are tolerated without a delay.
const TOLERATED: u32 = 4;
const SHORTEST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(3600);

/// How long a transaction waits that was leased in so many crashes in a row, with no attempt ended
/// in between.
///
/// Zero for the first four, then a minute that doubles up to an hour. Every backend uses it when a
/// session begins ([`Sessions::open_session`](super::Sessions::open_session)).
pub fn crash_back_off(crashes: u32) -> Duration {
    match crashes.checked_sub(TOLERATED + 1) {
        None => Duration::ZERO,
        // Six doublings are more than an hour.
        Some(doublings) => LONGEST.min(SHORTEST * (1 << doublings.min(6))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_from_a_minute_to_an_hour() {
        let minutes = |crashes| crash_back_off(crashes).as_secs() / 60;
        for crashes in 0..=4 {
            assert_eq!(crash_back_off(crashes), Duration::ZERO);
        }
        assert_eq!([5, 6, 7, 10, 11, 12].map(minutes), [1, 2, 4, 32, 60, 60]);
        assert_eq!(minutes(u32::MAX), 60);
    }
}
