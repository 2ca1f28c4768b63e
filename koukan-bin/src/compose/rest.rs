//! The REST API, as configured.

use std::{collections::HashMap, net::SocketAddr};

use koukan_core::{
    clock::SharedClock,
    context::Sender,
    stage::{
        output_handler::OutputHandler,
        rest_handler::{Dialect, RestHandler, SenderPolicy, Settings},
    },
    storage::{Storage, record::Terms},
};

use koukan_rest::{
    auth::{Auth, Token},
    server::{Server, ServerSettings},
};

use crate::config::{self, Chain, Config, Endpoint, Filter, Place, RestListener, RestSender};

use super::{StartError, chains::LateChains};

/// What answers requests for transactions.
pub(crate) type Handler = RestHandler<OutputHandler<LateChains>>;

pub(super) fn handler(
    config: &Config,
    storage: &Storage,
    output: &OutputHandler<LateChains>,
) -> Handler {
    let limits = &config.rest;
    let defaults = Settings::default();
    let settings = Settings {
        hostname: config.hostname.value.as_str().into(),
        max_message_size: limits
            .max_message_size
            .map_or(defaults.max_message_size, |size| size.0),
        max_recipients: limits
            .max_recipients
            .map_or(defaults.max_recipients, |max| max.get()),
        max_in_flight: limits
            .max_in_flight
            .map_or(defaults.max_in_flight, |max| max.get()),
        max_unfinished_uploads: limits
            .max_unfinished_uploads
            .map_or(defaults.max_unfinished_uploads, |max| max.get()),
        max_wait: limits.max_wait.map_or(defaults.max_wait, |wait| wait.0),
        downstream_timeout: limits
            .downstream_timeout
            .map_or(defaults.downstream_timeout, |timeout| timeout.0),
        upload_timeout: limits
            .upload_timeout
            .map_or(defaults.upload_timeout, |timeout| timeout.0),
    };
    RestHandler::new(storage.clone(), output.clone(), senders(config), settings)
}

/// The API on one listener.
pub(super) fn server(
    listener: &RestListener,
    config: &Config,
    handler: Handler,
    clock: &SharedClock,
    bound: SocketAddr,
) -> Result<Server, StartError> {
    let origins = listener.cors_origin.iter();
    let mut settings = ServerSettings::default()
        .with_bound(bound)
        .with_hosts(listener.host.iter().map(|host| host.value.clone()))
        .with_trust(listener.trusted)
        .with_cors_origins(origins.map(|origin| origin.value.clone()));
    if let Some(url) = &listener.base_url {
        settings = settings.with_base_url(url.value.trim_end_matches('/'));
    }
    if let Some(size) = config.rest.max_message_size {
        settings = settings.with_max_message_size(size.0);
    }
    if let Some(max) = config.rest.max_recipients {
        // A recipient with its parameters is some values.
        let values = max.get().saturating_mul(20).max(settings.max_json_values);
        settings = settings.with_max_json_values(values);
    }
    if let Some(wait) = config.rest.max_wait {
        settings = settings.with_max_wait(wait.0);
    }
    let server = Server::new(handler, settings);
    if listener.token.is_empty() {
        return Ok(server);
    }
    let tokens: Result<Vec<_>, _> = listener.token.iter().map(token).collect();
    Ok(server.with_auth(Auth::new(tokens?, SharedClock::clone(clock))))
}

fn token(token: &config::Token) -> Result<Token, StartError> {
    let known = Token::from_hex(token.name.value.as_str(), &token.sha256.value);
    let known = known.map_err(|error| StartError::Config(error.to_string()))?;
    let senders = token.sender.as_ref();
    Ok(Token {
        senders: senders.map(|senders| senders.iter().map(|name| name.value.clone()).collect()),
        trusted: token.trusted,
        expires: token.expires.map(|at| at.value),
        ..known
    })
}

/// The senders that may use the API, each with how.
fn senders(config: &Config) -> HashMap<Sender, SenderPolicy> {
    let mut senders = HashMap::new();
    for sender in &config.sender {
        let Some(rest) = &sender.rest else { continue };
        for (name, chain) in sender.chains() {
            let mut chains = config.chain.iter();
            let chain = chains.find(|known| known.name.value == chain.value);
            senders.insert(name, policy(rest, chain));
        }
    }
    senders
}

fn policy(rest: &RestSender, chain: Option<&Chain>) -> SenderPolicy {
    let explodes = chain.is_some_and(|chain| matches!(chain.endpoint, Endpoint::Exploder(_)));
    let dialect = if rest.gateway || explodes {
        Dialect::Incremental
    } else {
        Dialect::Whole
    };
    SenderPolicy {
        dialect,
        terms: Terms {
            retry: rest.retry && dialect == Dialect::Whole,
            notify: rest.notification && dialect == Dialect::Whole,
        },
        has_next_hop: rest.gateway,
        needs_next_hop: rest.gateway && chain.is_some_and(is_without_destination),
    }
}

/// Whether nothing in a chain tells where its transactions go.
fn is_without_destination(chain: &Chain) -> bool {
    let routes = |filter: &Place<Filter>| filter.value.name == "router";
    let has_no_host = matches!(&chain.endpoint, Endpoint::Smtp(smtp) if smtp.host.is_empty());
    has_no_host && !chain.filter.iter().any(routes)
}
