//! The filter that tells readers what was found out.

use koukan_mail_auth::authentication_results::AuthenticationResultsLayer;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{InvalidFilter, Surroundings, at, key_step};

/// Tells readers what was found out.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Tell {
    /// Who says so, in place of the agent's host name.
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
