//! The filter `authentication_results`, which adds a header field with the results.

use koukan_mail_auth::authentication_results::AuthenticationResultsLayer;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{InvalidFilter, Surroundings, at, key_step};

/// Adds a header field with the results.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Tell {
    /// The name of the server that reports, instead of the agent's host name.
    authserv_id: Option<String>,
}

pub(super) fn authentication_results(
    config: Tell,
    surroundings: &Surroundings,
) -> Result<AuthenticationResultsLayer, InvalidFilter> {
    let name = config.authserv_id.as_deref();
    let layer = AuthenticationResultsLayer::new(name.unwrap_or(&surroundings.hostname));
    layer.map_err(|error| at(error.to_string(), vec![key_step("authserv_id")]))
}
