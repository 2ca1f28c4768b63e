//! How often delivery is tried.

use std::time::Duration;

use koukan_core::stage::output_handler::RetryPolicy;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Config, HumanDuration, Place};

/// How often and for how long delivery is tried. It is evaluated at each attempt, so a change also
/// applies to mail that is already queued.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Retry {
    /// Time between the first attempt and the second; each further time is twice as long. Default `5m`.
    pub min_attempt_time: Option<Place<HumanDuration>>,
    /// Time between the first attempt and the second if the destination was reached and refused for now, as destinations
    /// that greylist do. The third attempt comes `min_attempt_time` after the second. Default: `min_attempt_time`.
    pub first_retry: Option<Place<HumanDuration>>,
    /// The longest time between two attempts. Default `2h`.
    pub max_attempt_time: Option<Place<HumanDuration>>,
    /// The most attempts. Default: no limit.
    pub max_attempts: Option<Place<u32>>,
    /// The longest time from the start of a transaction to its last attempt. Default `5d`.
    pub deadline: Option<Place<HumanDuration>>,
}

impl Config {
    /// The shortest time for which any mail is tried.
    pub(crate) fn shortest_deadline(&self) -> Duration {
        let general = self.retry.over(RetryPolicy::default()).deadline;
        let chains = self.chain.iter().map(|chain| &chain.retry);
        let own = chains.chain(self.destination.iter().map(|rule| &rule.retry));
        let own = own.filter_map(|retry| retry.deadline);
        own.map(|deadline| deadline.value.0)
            .fold(general, Duration::min)
    }
}

impl Retry {
    /// The policy, with missing values taken from `defaults`.
    pub fn over(&self, defaults: RetryPolicy) -> RetryPolicy {
        let or =
            |own: Option<Place<HumanDuration>>, default| own.map_or(default, |own| own.value.0);
        RetryPolicy::default()
            .with_min_attempt_time(or(self.min_attempt_time, defaults.min_attempt_time))
            .with_first_retry(
                self.first_retry
                    .map_or(defaults.first_retry, |own| Some(own.value.0)),
            )
            .with_max_attempt_time(or(self.max_attempt_time, defaults.max_attempt_time))
            .with_max_attempts(
                self.max_attempts
                    .map(|max| max.value)
                    .or(defaults.max_attempts),
            )
            .with_deadline(or(self.deadline, defaults.deadline))
    }
}
