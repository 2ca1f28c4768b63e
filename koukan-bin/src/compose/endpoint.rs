//! The clients with which chains end.

use std::{net::IpAddr, sync::Arc};

use koukan_core::{
    causes::Causes,
    files,
    message::downgrade::Signatures,
    rate::ReplicaCount,
    signals::{HostPort, InvalidHostPort},
    stage::rest_endpoint::RestEndpoint,
    tls::{ClientTls, InvalidRoots},
};
use koukan_rest::client::Client;
use koukan_smtp::{
    InvalidNetwork, Network, Protocol, SmtpEndpoint,
    client::{
        ClientSettings, Guard, HostIdentities, HostLimits, HostTls, MtaSts, OwnAddresses,
        PoolSettings, SourceAddresses, TlsPolicy,
    },
};

use crate::{
    config::{Chain, Destination, DowngradeLevel, Place, Rest, ServerTlsMode, Smtp, TlsLevel},
    registry::Surroundings,
};

use super::{StartError, certificates::CertificateFiles, logins::LoginFiles};

/// The client of an HTTP server, for the end of `chain`.
pub(super) fn rest(
    chain: &Chain,
    config: &Rest,
    surroundings: &Surroundings,
) -> Result<RestEndpoint<Client>, StartError> {
    let mut http = surroundings.http_settings();
    if let Some(path) = &config.ca_file {
        let certificates = files::read(&path.value);
        http = http.with_ca(certificates.map_err(|error| {
            StartError::Config(format!("cannot read {}: {error}", path.value.display()))
        })?);
    }
    if let Some(path) = &config.token_file {
        http = http.with_token(surroundings.secret(&path.value)?.token()?);
    }
    for url in &config.other_url {
        http = http.with_other_url(&url.value);
    }
    let client = Client::new(&config.url.value, http)
        .map_err(|error| StartError::Config(Causes(&error).to_string()))?;
    Ok(RestEndpoint::new(client, config.settings(chain)))
}

/// The limits of single hosts, shared by all endpoints.
pub(super) fn limits(
    destinations: &[Destination],
    replicas: &ReplicaCount,
) -> Result<HostLimits, StartError> {
    let mut limits = HostLimits::default();
    for rule in destinations {
        let Some(host) = &rule.host else { continue };
        let host = host.value.parse();
        let host = host.map_err(|error: InvalidHostPort| StartError::Config(error.to_string()))?;
        limits.set(&host, rule.limit(replicas));
    }
    Ok(limits)
}

/// The addresses from which hosts are connected to.
fn sources(config: &Smtp, destinations: &[Destination]) -> Result<SourceAddresses, StartError> {
    let listed = |list: &[Place<IpAddr>]| list.iter().map(|ip| ip.value).collect::<Vec<_>>();
    let mut sources = SourceAddresses::new(listed(&config.source_address));
    for rule in destinations.iter().filter(|rule| rule.has_source()) {
        if let Some(host) = &rule.host {
            let host = host.value.parse();
            let host =
                host.map_err(|error: InvalidHostPort| StartError::Config(error.to_string()))?;
            sources.set(&host, listed(&rule.source_address));
        }
    }
    Ok(sources)
}

/// Rules for single destinations, shared by all endpoints.
#[derive(Clone, Copy)]
pub(super) struct Rules<'a> {
    pub(super) limits: &'a HostLimits,
    pub(super) identities: &'a HostIdentities,
    pub(super) destinations: &'a [Destination],
    pub(super) replicas: &'a ReplicaCount,
}

/// The client of SMTP servers.
pub(super) fn smtp(
    config: &Smtp,
    rules: Rules<'_>,
    surroundings: &Surroundings,
    own_addresses: &OwnAddresses,
    (logins, certificates): (&LoginFiles, &CertificateFiles),
) -> Result<SmtpEndpoint, StartError> {
    let wrong = |error: &dyn std::fmt::Display| StartError::Config(error.to_string());
    let guard = Guard::new()
        .with_allowed(networks(&config.allow_networks)?)
        .with_own(own_addresses.clone());
    let mut pool = PoolSettings::from(config);
    pool.hosts = rules.limits.clone();
    pool.replicas = rules.replicas.clone();
    let mut settings = ClientSettings::new(&surroundings.hostname)
        .map_err(|error| wrong(&error))?
        .with_guard(guard)
        .with_random(Arc::clone(&surroundings.random))
        .with_pool(pool)
        .with_identities(rules.identities.clone())
        .with_sources(sources(config, rules.destinations)?)
        .with_timeouts(config.into());
    if !config.host.is_empty() {
        let hosts = config.host.iter().map(|host| host.value.parse());
        let hosts: Result<Vec<HostPort>, _> = hosts.collect();
        settings = settings.with_hosts(hosts.map_err(|error| wrong(&error))?);
    }
    if let Some(auth) = &config.auth {
        settings = settings.with_login(logins.add(auth)?);
    }
    match config.downgrade.unwrap_or_default() {
        DowngradeLevel::Never => {}
        DowngradeLevel::Unsigned => settings = settings.with_downgrade(Signatures::Keep),
        DowngradeLevel::All => settings = settings.with_downgrade(Signatures::Break),
    }
    if config.is_lmtp() {
        settings = settings.with_protocol(Protocol::Lmtp);
    }
    let own = config.certificate.as_ref();
    let own = own.map(|files| certificates.read(std::slice::from_ref(files)));
    let own = own.transpose()?;
    let shown = |tls: ClientTls| match &own {
        Some(own) => tls.with_certificates(own.clone()),
        None => tls,
    };
    let (general, hosts) = policies(config, rules.destinations, shown)?;
    settings = settings.with_tls(general).with_host_tls(hosts);
    // Without trusted authorities, messages that need REQUIRETLS are refused, and others are sent.
    match verified(config) {
        Ok(trust) => settings = settings.with_trust(shown(trust)),
        Err(error) => {
            tracing::info!(%error, "no authority is trusted, so messages with REQUIRETLS are refused");
        }
    }
    if config.dane.as_ref().is_some_and(|dane| dane.value) {
        settings = settings.with_dane();
    }
    let rules = rules.destinations.iter().filter_map(|rule| {
        let domain = rule.domain.as_ref()?;
        Some((domain.value.as_str(), rule.mta_sts?))
    });
    let rules: Vec<_> = rules.collect();
    let follows = config.follows_policies() || rules.iter().any(|(_, follows)| *follows);
    if follows && config.host.is_empty() {
        let mta_sts = MtaSts::new(verified(config)?).with_rules(config.follows_policies(), rules);
        settings = settings.with_mta_sts(mta_sts);
    }
    let (connector, resolver) = (&surroundings.connector, &surroundings.resolver);
    let (connector, resolver) = (Arc::clone(connector), Arc::clone(resolver));
    Ok(SmtpEndpoint::with_network(settings, connector, resolver))
}

/// The TLS policies that the configuration asks for: that for all hosts, and those of single hosts. `shown` adds this
/// agent's certificate.
fn policies(
    config: &Smtp,
    destinations: &[Destination],
    shown: impl Fn(ClientTls) -> ClientTls,
) -> Result<(TlsPolicy, HostTls), StartError> {
    // Read once: it is the same for all hosts.
    let mut trusted: Option<ClientTls> = None;
    let mut policy = |rule: Option<&Destination>| -> Result<TlsPolicy, StartError> {
        let (level, mode) = config.tls_with(rule);
        let tls = match (level, &trusted) {
            (TlsLevel::Never, _) if mode == ServerTlsMode::Offered => return Ok(TlsPolicy::Never),
            // Where TLS is to begin at once, nothing is sent in clear, whatever the chain has for other hosts.
            (TlsLevel::Never | TlsLevel::Opportunistic | TlsLevel::Required, _) => {
                shown(ClientTls::unverified())
            }
            (TlsLevel::Verified, Some(known)) => known.clone(),
            (TlsLevel::Verified, None) => trusted.insert(shown(verified(config)?)).clone(),
        };
        Ok(match (mode, level) {
            (ServerTlsMode::Immediate, _) => TlsPolicy::Immediate(tls),
            (ServerTlsMode::Offered, TlsLevel::Opportunistic) => TlsPolicy::Opportunistic(tls),
            (ServerTlsMode::Offered, _) => TlsPolicy::Required(tls),
        })
    };
    let general = policy(None)?;
    let mut hosts = HostTls::default();
    for rule in destinations.iter().filter(|rule| rule.has_tls()) {
        if let Some(host) = &rule.host {
            let parsed = host.value.parse();
            let parsed =
                parsed.map_err(|error: InvalidHostPort| StartError::Config(error.to_string()))?;
            let policy = policy(Some(rule)).map_err(|error| {
                StartError::Config(format!(
                    "destination `{}`: {error}; name the trusted authorities by `ca_file` in each `smtp` endpoint",
                    host.value
                ))
            });
            hosts.set(&parsed, policy?);
        }
    }
    Ok((general, hosts))
}

/// TLS with verified certificates.
fn verified(config: &Smtp) -> Result<ClientTls, StartError> {
    let invalid = |error: InvalidRoots| StartError::Config(Causes(&error).to_string());
    let Some(file) = &config.ca_file else {
        return ClientTls::verified().map_err(invalid);
    };
    let pem = files::read(&file.value).map_err(|error| {
        let file = file.value.display();
        StartError::Config(format!("cannot read {file}: {error}"))
    })?;
    ClientTls::verified_by(&pem).map_err(invalid)
}

/// The networks in a configuration.
pub(super) fn networks(config: &[Place<String>]) -> Result<Vec<Network>, StartError> {
    let networks = config.iter().map(|network| network.value.parse());
    let networks: Result<_, InvalidNetwork> = networks.collect();
    networks.map_err(|error| StartError::Config(error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::{config::Config, config::Endpoint, registry::Registry};

    use super::*;

    /// The policy of all hosts and that of the host with a rule, which no chain names.
    fn told(smtp: &str, rule: &str) -> (TlsPolicy, String) {
        let text = format!(
            "hostname: mx.test\n\
             rest_listener: [ {{ address: \"127.0.0.1:8025\" }} ]\n\
             storage: memory\n\
             notification: {{ sender: out }}\n\
             sender: [ {{ name: out, chain: out, rest: {{}} }} ]\n\
             chain: [ {{ name: out, filter: [ router: {{ rules: [ dest_domain: {{ port: 2525 }} ] }} ], endpoint: {{ smtp: {{ {smtp} }} }} }} ]\n\
             destination: [ {{ host: \"smtp.example:465\", {rule} }} ]\n"
        );
        let config = Config::parse(Path::new("x"), &text, &Registry::default()).unwrap();
        let Endpoint::Smtp(smtp) = &config.chain[0].endpoint else {
            panic!("{text}");
        };
        let (general, hosts) = policies(smtp, &config.destination, |tls| tls).unwrap();
        (general, format!("{hosts:?}"))
    }

    #[test]
    fn what_a_rule_says_of_tls_counts_more_than_what_the_chain_says() {
        let (general, host) = told("tls: never", "tls_mode: immediate");
        assert!(matches!(general, TlsPolicy::Never), "{general:?}");
        assert!(host.contains("Immediate("), "{host}");
        let (general, host) = told("tls_mode: immediate", "tls: never");
        assert!(matches!(general, TlsPolicy::Immediate(_)), "{general:?}");
        assert!(host.contains("Never"), "{host}");
        let (_, host) = told("tls_mode: immediate", "tls: opportunistic");
        assert!(host.contains("Immediate("), "{host}");
        let (_, host) = told("tls: required", "tls: never");
        assert!(host.contains("Never"), "{host}");
    }
}
