//! Where chains end.

use koukan_core::{
    context,
    middleware::TraceLayer,
    service::BoxMailService,
    signals::HostPort,
    stage::{
        exploder,
        output_handler::OutputHandler,
        storage_writer::{self, StorageWriter},
    },
    storage::Storage,
};
use koukan_smtp::{
    SmtpEndpoint,
    client::{self, ClientSettings, PoolSettings},
};
use tower::ServiceBuilder;

use crate::{
    config::{Chain, Endpoint, Exploder, Policy, Smtp},
    registry::Surroundings,
};

use super::{StartError, chains::LateChains};

/// Builds the end of a chain; an SMTP endpoint is also put with the others, to be closed.
pub(super) fn build(
    chain: &Chain,
    surroundings: &Surroundings,
    storage: &Storage,
    output: &OutputHandler<LateChains>,
    endpoints: &mut Vec<SmtpEndpoint>,
) -> Result<BoxMailService, StartError> {
    match &chain.endpoint {
        Endpoint::Exploder(config) => Ok(exploder(config, storage, output)),
        Endpoint::Smtp(config) => {
            let endpoint = smtp(config, &surroundings.hostname)?;
            endpoints.push(endpoint.clone());
            let traced = ServiceBuilder::new()
                // Around nothing but the delivery: what it logs is what the destination said.
                .layer(TraceLayer)
                .service(endpoint);
            Ok(BoxMailService::new(traced))
        }
    }
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
    BoxMailService::new(exploder::Exploder::new(
        legs,
        policy,
        storage.pool().clone(),
    ))
}

fn smtp(config: &Smtp, hostname: &str) -> Result<SmtpEndpoint, StartError> {
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
    let mut settings = ClientSettings::new(hostname)
        .map_err(|error| wrong(&error))?
        .with_pool(pool)
        .with_timeouts(timeouts);
    if !config.host.is_empty() {
        let hosts = config.host.iter().map(|host| host.value.parse());
        let hosts: Result<Vec<HostPort>, _> = hosts.collect();
        settings = settings.with_hosts(hosts.map_err(|error| wrong(&error))?);
    }
    Ok(SmtpEndpoint::new(settings))
}
