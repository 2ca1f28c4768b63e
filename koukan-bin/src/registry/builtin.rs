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

/// The names of the filters.
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

/// Filters that write no durable signals; rules write their own.
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

/// Whether a chain needs the filter at most once. Copies may go to several senders, and a router
/// may leave recipients to later routers.
pub(crate) fn is_wanted_once(name: &str) -> bool {
    let is_several = ["add_route", "policy_action", "rate_limit", "router"].contains(&name);
    is_builtin(name) && !is_several
}

/// Whether it refuses recipients by rules that are not known beforehand.
pub(crate) fn may_refuse(name: &str) -> bool {
    !is_builtin(name) || ["policy_action", "greylist", "rate_limit"].contains(&name)
}

/// Adds the filters.
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

/// A filter without settings.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Refuses reverse-paths that are not allowed.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Senders {
    /// Domains in which every mailbox is allowed.
    #[serde(default)]
    domains: Vec<RecipientDomain>,
    /// Single mailboxes that are allowed.
    #[serde(default)]
    addresses: Vec<Address>,
    /// The character that begins the ignored part of a local part.
    delimiter: Option<char>,
    /// Whether the null reverse-path is allowed.
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
    /// The most octets in a rendered message.
    max_size: Option<ByteSize>,
}

fn message_builder(config: MessageBuilder) -> MessageBuilderLayer {
    let layer = MessageBuilderLayer::new();
    match config.max_size {
        Some(ByteSize(octets)) => layer.with_max_size(octets),
        None => layer,
    }
}

/// Parses messages for receivers that want JSON.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MessageParser {
    /// The most octets in a message that is parsed.
    max_size: Option<ByteSize>,
    /// The most octets of a text that is put into the JSON.
    max_inline: Option<ByteSize>,
    /// The most levels of nested multiparts and attached messages that are parsed.
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

/// Adds the `Received` header field, and refuses messages in a loop.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ReceivedHeader {
    /// The most `Received` fields that a message may have when it arrives.
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
