//! Clients in which chains end.

use std::{fs, path::PathBuf};

use koukan_core::{causes::Causes, signals::HostPort, stage::rest_endpoint::RestEndpoint};
use koukan_rest::client::{Client, ClientSettings};
use koukan_smtp::{
    SmtpEndpoint,
    client::{self, Guard, Network, OwnAddresses},
};

use crate::config::{Chain, Rest, Smtp};

use super::StartError;

/// The client of an HTTP server, at the end of `chain`.
pub(super) fn rest(chain: &Chain, config: &Rest) -> Result<RestEndpoint<Client>, StartError> {
    let read = |path: &PathBuf| {
        let octets = fs::read(path);
        octets.map_err(|error| StartError::Config(format!("{}: {error}", path.display())))
    };
    let mut http = ClientSettings::default();
    if let Some(path) = &config.ca_file {
        http = http.with_ca(read(&path.value)?);
    }
    if let Some(path) = &config.token_file {
        let token = read(&path.value)?;
        http = http.with_token(String::from_utf8_lossy(&token).trim());
    }
    for url in &config.other_url {
        http = http.with_other_url(&url.value);
    }
    let client = Client::new(&config.url.value, http)
        .map_err(|error| StartError::Config(Causes(&error).to_string()))?;
    Ok(RestEndpoint::new(client, config.settings(chain)))
}

/// The client of SMTP servers.
pub(super) fn smtp(
    config: &Smtp,
    hostname: &str,
    own: &OwnAddresses,
) -> Result<SmtpEndpoint, StartError> {
    let wrong = |error: &dyn std::fmt::Display| StartError::Config(error.to_string());
    let allowed = config.allow_networks.iter();
    let allowed: Result<Vec<Network>, _> = allowed.map(|network| network.value.parse()).collect();
    let guard = Guard::new()
        .with_allowed(allowed.map_err(|error| wrong(&error))?)
        .with_own(own.clone());
    let mut settings = client::ClientSettings::new(hostname)
        .map_err(|error| wrong(&error))?
        .with_guard(guard)
        .with_pool(config.into())
        .with_timeouts(config.into());
    if !config.host.is_empty() {
        let hosts = config.host.iter().map(|host| host.value.parse());
        let hosts: Result<Vec<HostPort>, _> = hosts.collect();
        settings = settings.with_hosts(hosts.map_err(|error| wrong(&error))?);
    }
    Ok(SmtpEndpoint::new(settings))
}
