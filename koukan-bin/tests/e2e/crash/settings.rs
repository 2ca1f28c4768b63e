//! How much is to be done.

use std::{env, fmt::Debug, str::FromStr, time::Duration};

/// What the environment asks for; `scripts/crash` sets it.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// How often the agent is killed.
    pub(super) kills: u32,
    /// What is sent, what becomes of it and when the agent is killed follows from this number, as
    /// far as that does not depend on how fast things go.
    pub(super) seed: u64,
    /// How long it may take until the queue is at rest.
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
