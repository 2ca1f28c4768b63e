//! How long to wait before the next try after failures.

use std::time::Duration;

use koukan_core::random::SharedRandom;

/// The first pause; each further one is twice as long, up to a limit.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(300);

/// The pause after that many failures in a row, at least one. Half of it is random, so that not all
/// clients come back at once.
pub(super) fn pause(failures: u32, random: &SharedRandom) -> Duration {
    let doubled = SHORTEST.saturating_mul(1 << failures.saturating_sub(1).min(16));
    doubled.min(LONGEST).mul_f64(0.5 + random.unit() / 2.0)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use koukan_core::random::Random;

    use super::*;

    #[derive(Debug)]
    struct Fixed(f64);

    impl Random for Fixed {
        fn unit(&self) -> f64 {
            self.0
        }
    }

    #[test]
    fn pauses_grow_to_five_minutes() {
        for (failures, unit, seconds) in [
            (1, 0.0, 0.5),
            (1, 1.0, 1.0),
            (2, 0.0, 1.0),
            (5, 1.0, 16.0),
            (9, 1.0, 256.0),
            (10, 1.0, 300.0),
            (u32::MAX, 0.0, 150.0),
        ] {
            let random: SharedRandom = Arc::new(Fixed(unit));
            let found = pause(failures, &random).as_secs_f64();
            assert!((found - seconds).abs() < 1e-9, "{failures}: {found}");
        }
    }
}
