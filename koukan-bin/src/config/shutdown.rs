//! How an agent stops.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{HumanDuration, Place};

/// How the agent stops when it is told to.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Shutdown {
    /// How long the agent serves clients as before once it is not ready any more, so that those who send clients here
    /// notice: an orchestrator that removes its address late, a balancer that asks for `/readyz`. Queued mail is given
    /// back before that. Default: connections are refused at once.
    #[schemars(with = "Option<HumanDuration>")]
    pub grace: Option<Place<HumanDuration>>,
}

impl Shutdown {
    /// How long clients are served as before.
    pub(crate) fn grace(&self) -> Duration {
        self.grace
            .as_ref()
            .map(|grace| grace.value.0)
            .unwrap_or_default()
    }
}
