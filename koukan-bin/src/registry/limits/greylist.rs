//! The filter `greylist`, and the file that keeps what it knows.

use std::{num::NonZeroUsize, path::PathBuf};

use koukan_core::filter::greylist::{Greylist, GreylistLayer, Times};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{InvalidFilter, Surroundings, at, kept::Kept, key};
use crate::config::HumanDuration;

/// The most triplets and networks; each takes about a hundred octets.
const MAX: usize = 10_000_000;

/// Defers mail of unknown clients.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    /// The file that keeps what is known.
    file: Option<PathBuf>,
    /// The earliest time at which a client may come back.
    min: Option<HumanDuration>,
    /// The latest time.
    max: Option<HumanDuration>,
    /// How long it is remembered that a client has come back.
    keep: Option<HumanDuration>,
    /// After how many mails that came back a network is known.
    known_after: Option<u32>,
    /// The most entries that are remembered.
    max_entries: Option<NonZeroUsize>,
}

pub(super) fn greylist(
    config: Config,
    surroundings: &Surroundings,
) -> Result<GreylistLayer, InvalidFilter> {
    let mut times = Times::default();
    for (set, time) in [
        (config.min, &mut times.min),
        (config.max, &mut times.max_wait),
        (config.keep, &mut times.keep),
    ] {
        if let Some(HumanDuration(set)) = set {
            *time = set;
        }
    }
    if times.min >= times.max_wait {
        let text = "nobody can come back in time: `max` is to be more than `min`";
        return Err(at(text, vec![key("max")]));
    }
    match config.known_after {
        Some(0) => {
            let text = "with 0 everybody is known: leave the filter out, or name 1 or more";
            return Err(at(text, vec![key("known_after")]));
        }
        Some(count) => times.known_after = count,
        None => {}
    }
    match config.max_entries {
        Some(max) if max.get() > MAX => {
            let text = format!("that takes too much memory: up to {MAX} are remembered");
            return Err(at(text, vec![key("max_entries")]));
        }
        Some(max) => times.max = max,
        None => {}
    }
    let list = Greylist::new(times, surroundings.clock.clone());
    if let Some(file) = config.file {
        let kept = Kept::read(list.clone(), file);
        let kept = kept.map_err(|text| at(text, vec![key("file")]))?;
        // Only the agent may write what it knows.
        if surroundings.is_of_agent() {
            surroundings.followed.keep_up(move || kept.write());
        }
    }
    Ok(GreylistLayer::new(list))
}
