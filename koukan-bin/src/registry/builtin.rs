//! The filters of `koukan-core`, and their configuration.

use koukan_core::{
    filter::{
        allowed_senders::{AllowedSenders, Check, allowed_senders},
        message_builder::MessageBuilderLayer,
        message_parser::MessageParserLayer,
        received_header::ReceivedHeaderLayer,
        tls_required::TlsRequiredLayer,
    },
    message::parser::{MAX_DEPTH, ParseLimits},
    middleware::callbacks::CallbackLayer,
    signals::{DurableSignal, TlsRequired},
    transaction::Transaction,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{
    InvalidFilter, Registry, Surroundings,
    add_route::add_route,
    policy_action::{Rule as PolicyRule, policy_action},
    router::{Router, router},
    text::{Address, RecipientDomain},
};
use crate::config::ByteSize;

/// What they are called.
const NAMES: [&str; 21] = [
    "add_route",
    "allowed_senders",
    "arc_check",
    "authentication_results",
    "clamav",
    "dkim_check",
    "dkim_sign",
    "dmarc_check",
    "dns_resolution",
    "message_builder",
    "message_parser",
    "policy_action",
    "received_header",
    "recipient_verification",
    "remote_host",
    "router",
    "rspamd",
    "spamassassin",
    "spf_check",
    "srs",
    "tls_required",
];

/// Those that write no durable signals; rules write their own.
const SIGNALLESS: [&str; 8] = [
    "add_route",
    "allowed_senders",
    "dkim_sign",
    "message_builder",
    "message_parser",
    "policy_action",
    "received_header",
    "router",
];

/// Whether a filter is one of these.
pub(crate) fn is_builtin(name: &str) -> bool {
    NAMES.contains(&name)
        || super::content::NAMES.contains(&name)
        || super::limits::NAMES.contains(&name)
}

/// Whether it is one of which a chain needs one at most. Copies may go to several senders, and
/// routers may leave recipients to those after them.
pub(crate) fn is_wanted_once(name: &str) -> bool {
    let is_several = ["add_route", "policy_action", "rate_limit", "router"].contains(&name);
    is_builtin(name) && !is_several
}

/// Whether it refuses recipients by rules of its own, which nobody knows beforehand.
pub(crate) fn may_refuse(name: &str) -> bool {
    !is_builtin(name) || ["policy_action", "greylist", "rate_limit"].contains(&name)
}

/// Adds them.
pub(super) fn register(registry: &mut Registry) {
    registry.own_filter("add_route", add_route);
    registry.own_filter("allowed_senders", senders);
    registry.own_filter("message_builder", |config, _: &Surroundings| {
        Ok::<_, InvalidFilter>(message_builder(config))
    });
    registry.own_filter("message_parser", message_parser);
    registry.filter_with_parts("policy_action", |config, surroundings, parts| {
        policy_action(config, surroundings, &parts.matchers)
    });
    registry.own_filter("received_header", received_header);
    registry.schema_of::<PolicyRule>("policy_action");
    registry.filter_with_parts("router", |config: Value, surroundings, parts| {
        router(&config, surroundings, &parts.rules)
    });
    registry.schema_of::<Router>("router");
    super::content::register(registry);
    super::names_of_hosts::register(registry);
    super::limits::register(registry);
    super::recipient_verification::register(registry);
    registry.own_filter("tls_required", |Nothing {}, _: &Surroundings| {
        Ok::<_, InvalidFilter>(TlsRequiredLayer::new())
    });
    registry.signals("tls_required", [TlsRequired::NAME]);
    for filter in SIGNALLESS {
        registry.signals(filter, []);
    }
    #[cfg(feature = "mail-auth")]
    super::mail_auth::register(registry);
    #[cfg(feature = "scan")]
    super::scan::register(registry);
}

/// There is nothing to be set.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Refuses reverse-paths that are not among those that may be used.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Senders {
    /// Domains of which every mailbox may be used.
    #[serde(default)]
    domains: Vec<RecipientDomain>,
    /// Single mailboxes.
    #[serde(default)]
    addresses: Vec<Address>,
    /// What begins the part of a local part that does not count.
    delimiter: Option<char>,
    /// Whether the null reverse-path may be used.
    null_reverse_path: Option<bool>,
}

fn senders(
    config: Senders,
    _: &Surroundings,
) -> Result<CallbackLayer<impl Fn(&Transaction) -> Check + Clone + use<>>, InvalidFilter> {
    if config.domains.is_empty() && config.addresses.is_empty() {
        let text = "neither `domains` nor `addresses` is there: every sender would be refused";
        return Err(InvalidFilter::new(text));
    }
    let domains = config.domains.into_iter().map(|domain| domain.0);
    let mailboxes = config.addresses.into_iter().map(|address| address.0);
    let mut allowed = AllowedSenders::default()
        .with_domains(domains)
        .with_mailboxes(mailboxes);
    if let Some(delimiter) = config.delimiter {
        allowed = allowed.with_delimiter(delimiter);
    }
    if config.null_reverse_path == Some(false) {
        allowed = allowed.without_null();
    }
    Ok(allowed_senders(allowed))
}

/// Renders messages that are given as a description.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MessageBuilder {
    /// Octets that a rendered message may have.
    max_size: Option<ByteSize>,
}

fn message_builder(config: MessageBuilder) -> MessageBuilderLayer {
    let layer = MessageBuilderLayer::new();
    match config.max_size {
        Some(ByteSize(octets)) => layer.with_max_size(octets),
        None => layer,
    }
}

/// Takes messages apart for those who want JSON.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MessageParser {
    /// Octets of a message that is parsed, at most.
    max_size: Option<ByteSize>,
    /// Octets of a text that is put into the JSON, at most.
    max_inline: Option<ByteSize>,
    /// Multiparts and attached messages within each other that are taken apart, at most.
    max_depth: Option<usize>,
}

fn message_parser(
    config: MessageParser,
    _: &Surroundings,
) -> Result<MessageParserLayer, InvalidFilter> {
    let octets = |size: ByteSize| {
        let octets = usize::try_from(size.0);
        octets.map_err(|_| InvalidFilter::new(format!("{} octets do not fit into memory", size.0)))
    };
    let mut limits = ParseLimits::default();
    if let Some(size) = config.max_inline {
        limits.max_inline = octets(size)?;
    }
    if let Some(depth) = config.max_depth {
        if !(1..=MAX_DEPTH).contains(&depth) {
            let text = format!("`max_depth` is 1 to {MAX_DEPTH}, not {depth}");
            return Err(InvalidFilter::new(text));
        }
        limits.max_depth = depth;
    }
    let layer = MessageParserLayer::new().with_limits(limits);
    Ok(match config.max_size {
        Some(size) => layer.with_max_size(octets(size)?),
        None => layer,
    })
}

/// Adds the `Received` header field, and refuses messages that go round in a loop.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ReceivedHeader {
    /// `Received` fields that a message may have when it comes.
    max_received: Option<usize>,
}

fn received_header(
    config: ReceivedHeader,
    surroundings: &Surroundings,
) -> Result<ReceivedHeaderLayer, InvalidFilter> {
    let layer = ReceivedHeaderLayer::new(&surroundings.hostname, surroundings.clock.clone())
        .map_err(|error| InvalidFilter::new(error.to_string()))?;
    Ok(match config.max_received {
        Some(0) => {
            let text = "with a `max_received` of 0 every message that was relayed is refused";
            return Err(InvalidFilter::new(text));
        }
        Some(max) => layer.with_max_received_fields(max),
        None => layer,
    })
}
