//! Matchers for the client.

use std::path::PathBuf;

use koukan_core::{
    filter::policy_action::matchers::{NetworkAddress, SmtpAuth},
    network::Network as Range,
};
use serde::Deserialize;

use super::{InvalidFilter, OneOrMany, Surroundings, at};
use crate::{
    config::{ByteSize, HumanDuration, Step},
    registry::list_urls::Elsewhere,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Auth {
    identities: Option<Vec<String>>,
}

pub(super) fn smtp_auth(config: Auth) -> Result<SmtpAuth, InvalidFilter> {
    Ok(SmtpAuth::new(config.identities.unwrap_or_default()))
}

/// The client's network: one, a list, or those in a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Network {
    cidr: Option<OneOrMany>,
    file: Option<PathBuf>,
    /// The URL of such a list.
    url: Option<String>,
    /// How often to check whether the list has changed.
    refresh: Option<HumanDuration>,
    /// The most octets in the list.
    max_size: Option<ByteSize>,
    /// The file that keeps the last valid list.
    kept_in: Option<PathBuf>,
    /// Whether an empty list may replace one with entries.
    allow_empty: Option<bool>,
}

pub(super) fn network_address(
    config: Network,
    surroundings: &Surroundings,
) -> Result<NetworkAddress, InvalidFilter> {
    let elsewhere = Elsewhere {
        file: config.file,
        url: config.url,
        refresh: config.refresh,
        max_size: config.max_size,
        kept_in: config.kept_in,
        allow_empty: config.allow_empty,
    };
    let texts = match (config.cidr, elsewhere.key()) {
        (Some(_), Some(key)) => {
            let text =
                format!("`cidr` and `{key}` are both there: make two matchers of them, in `any`");
            return Err(at(text, vec![Step::Key(key.into())]));
        }
        (cidr, _) => {
            if let Some(networks) = elsewhere.list(surroundings)? {
                return Ok(NetworkAddress::in_list(networks));
            }
            let text =
                "`cidr` is missing: name a network, or a `file` or `url` with a network a line";
            let cidr = cidr.ok_or_else(|| InvalidFilter::new(text))?;
            cidr.all("cidr", "no client is in it: add a network")?
        }
    };
    let parsed = texts.into_iter().map(|(text, place)| {
        let wrong = |_| {
            at(
                format!("`{text}` is no network, as in `192.0.2.0/24`"),
                place,
            )
        };
        text.parse::<Range>().map_err(wrong)
    });
    Ok(NetworkAddress::new(parsed.collect::<Result<Vec<_>, _>>()?))
}
