//! Who the client is.

use std::path::PathBuf;

use koukan_core::{
    filter::policy_action::matchers::{NetworkAddress, SmtpAuth},
    network::Network as Range,
};
use serde::Deserialize;

use super::{InvalidFilter, OneOrMany, Surroundings, at};
use crate::{config::Step, registry::list_files::list};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Auth {
    identities: Option<Vec<String>>,
}

pub(super) fn smtp_auth(config: Auth) -> Result<SmtpAuth, InvalidFilter> {
    Ok(SmtpAuth::new(config.identities.unwrap_or_default()))
}

/// The network of a client: one, a list, or those of a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Network {
    cidr: Option<OneOrMany>,
    file: Option<PathBuf>,
}

pub(super) fn network_address(
    config: Network,
    surroundings: &Surroundings,
) -> Result<NetworkAddress, InvalidFilter> {
    let texts = match (config.cidr, config.file) {
        (Some(cidr), None) => cidr.all("cidr", "no client is in it: add a network")?,
        (None, Some(file)) => {
            let networks = list(surroundings, &file, "file")?;
            return Ok(NetworkAddress::in_list(networks));
        }
        (None, None) => {
            let text = "`cidr` is missing: name a network, or a `file` with a network a line";
            return Err(InvalidFilter::new(text));
        }
        (Some(_), Some(_)) => {
            let text = "`cidr` and `file` are both there: make two matchers of them, in `any`";
            return Err(at(text, vec![Step::Key("file".into())]));
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
