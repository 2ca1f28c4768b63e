//! Where chains end.

use std::{fs, path::PathBuf};

use koukan_core::{
    ServiceBuilderExt, context,
    service::{BoxMailService, MailService},
    signals::HostPort,
    stage::{
        exploder::{self, ByDomain},
        output_handler::OutputHandler,
        rest_endpoint::{self, RestEndpoint},
        storage_writer::{self, StorageWriter},
    },
    storage::Storage,
};
use koukan_rest::client::{Client, ClientSettings};
use koukan_smtp::{
    SmtpEndpoint,
    client::{self, Guard, Network, OwnAddresses, PoolSettings},
};
use tower::ServiceBuilder;

use crate::{
    config::{Chain, Endpoint, Exploder, Filter, Notify, Place, Policy, Rest, Smtp},
    registry::Surroundings,
};

use super::{StartError, chains::LateChains};

/// Builds the end of a chain; an SMTP endpoint is also put with the others, to be closed.
pub(super) fn build(
    chain: &Chain,
    surroundings: &Surroundings,
    own: &OwnAddresses,
    storage: &Storage,
    output: &OutputHandler<LateChains>,
    endpoints: &mut Vec<SmtpEndpoint>,
) -> Result<BoxMailService, StartError> {
    match &chain.endpoint {
        Endpoint::Exploder(config) => Ok(exploder(config, storage, output)),
        Endpoint::Smtp(config) => {
            let endpoint = smtp(config, &surroundings.hostname, own)?;
            endpoints.push(endpoint.clone());
            Ok(traced(endpoint))
        }
        Endpoint::Rest(config) => Ok(traced(rest_endpoint(chain, config)?)),
    }
}

/// Logs around nothing but the delivery: what is logged is what the destination said.
fn traced(endpoint: impl MailService) -> BoxMailService {
    let traced = ServiceBuilder::new().trace_transactions();
    BoxMailService::new(traced.service(endpoint))
}

fn rest_endpoint(chain: &Chain, config: &Rest) -> Result<RestEndpoint<Client>, StartError> {
    let wrong = |error: &dyn std::error::Error| {
        let cause = error.source().map(|cause| format!(": {cause}"));
        StartError::Config(format!("{error}{}", cause.unwrap_or_default()))
    };
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
    let client = Client::new(&config.url.value, http).map_err(|error| wrong(&error))?;
    let defaults = rest_endpoint::Timeouts::default();
    let rcpt = config.rcpt_timeout.map(|timeout| timeout.0);
    let routes = |filter: &Place<Filter>| filter.value.name == "router";
    let mut settings = rest_endpoint::Settings::default()
        .with_timeouts(rest_endpoint::Timeouts {
            start: rcpt.unwrap_or(defaults.start),
            rcpt: rcpt.unwrap_or(defaults.rcpt),
            data: config
                .final_timeout
                .map_or(defaults.data, |timeout| timeout.0),
        })
        .with_incremental(config.incremental.unwrap_or(true))
        .with_session_facts(true)
        .with_destination_awaited(chain.filter.iter().any(routes));
    if let Some(name) = &config.sender {
        let sender = context::Sender::new(name.as_str());
        settings = settings.with_sender(match &config.tag {
            Some(tag) => sender.with_tag(tag.as_str()),
            None => sender,
        });
    }
    Ok(RestEndpoint::new(client, settings))
}

fn exploder(
    config: &Exploder,
    storage: &Storage,
    output: &OutputHandler<LateChains>,
) -> BoxMailService {
    let mut sender = context::Sender::new(config.sender.value.as_str());
    if let Some(tag) = &config.tag {
        sender = sender.with_tag(tag.value.as_str());
    }
    let defaults = storage_writer::Timeouts::default();
    let timeouts = storage_writer::Timeouts {
        rcpt: config
            .rcpt_timeout
            .map_or(defaults.rcpt, |timeout| timeout.0),
        final_reply: config
            .final_timeout
            .map_or(defaults.final_reply, |timeout| timeout.0),
    };
    let writer = |sender| {
        let writer = StorageWriter::new(storage.clone(), output.clone());
        BoxMailService::new(writer.with_sender(sender).with_timeouts(timeouts))
    };
    let mut legs = writer(sender);
    if !config.domain.is_empty() {
        let mut by_domain = ByDomain::new(legs);
        for (domain, sender) in &config.domain {
            let sender = context::Sender::new(sender.value.as_str());
            by_domain = by_domain.with(domain, writer(sender));
        }
        legs = BoxMailService::new(by_domain);
    }
    let policy = match config.policy {
        Policy::Submission => exploder::Policy::Submission,
        Policy::Ingress => exploder::Policy::Ingress,
    };
    let notify = match config.notify {
        Notify::Always => exploder::Notify::Always,
        Notify::Never => exploder::Notify::Never,
    };
    let exploder = exploder::Exploder::new(legs, policy, storage.pool().clone());
    BoxMailService::new(exploder.with_notify(notify))
}

fn smtp(config: &Smtp, hostname: &str, own: &OwnAddresses) -> Result<SmtpEndpoint, StartError> {
    let wrong = |error: &dyn std::fmt::Display| StartError::Config(error.to_string());
    let mut pool = PoolSettings::default();
    if let Some(max_connections) = config.max_connections {
        pool.max_connections = max_connections.get();
    }
    if let Some(idle_timeout) = config.idle_timeout {
        pool.idle_timeout = idle_timeout.0;
    }
    let mut timeouts = client::Timeouts::default();
    if let Some(connect) = config.connect_timeout {
        timeouts.connect = connect.0;
    }
    let allowed = config.allow_networks.iter();
    let allowed: Result<Vec<Network>, _> = allowed.map(|network| network.value.parse()).collect();
    let guard = Guard::new()
        .with_allowed(allowed.map_err(|error| wrong(&error))?)
        .with_own(own.clone());
    let mut settings = client::ClientSettings::new(hostname)
        .map_err(|error| wrong(&error))?
        .with_guard(guard)
        .with_pool(pool)
        .with_timeouts(timeouts);
    if !config.host.is_empty() {
        let hosts = config.host.iter().map(|host| host.value.parse());
        let hosts: Result<Vec<HostPort>, _> = hosts.collect();
        settings = settings.with_hosts(hosts.map_err(|error| wrong(&error))?);
    }
    Ok(SmtpEndpoint::new(settings))
}
