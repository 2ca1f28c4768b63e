//! How much the test does.

use std::{env, fmt::Debug, str::FromStr, time::Duration};

/// The settings from the environment; `scripts/crash` sets them.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// How often the agent is killed.
    pub(super) kills: u32,
    /// This number determines what is sent, what its outcome is and when the agent is killed, as
    /// far as that does not depend on timing.
    pub(super) seed: u64,
    /// How long the queue may take to come to rest.
    pub(super) rest: Duration,
}

impl Settings {
    pub(super) fn from_environment() -> Self {
        let kills = number("KOUKAN_CRASH_KILLS", 12);
        Self {
            kills,
            seed: number("KOUKAN_CRASH_SEED", 1),
            rest: Duration::from_secs(60 + u64::from(kills)),
        }
    }
}

fn number<T: FromStr<Err: Debug>>(name: &str, default: T) -> T {
    match env::var(name) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|error| panic!("{name}={text}: {error:?}")),
        Err(_) => default,
    }
}
