//! The filters of `koukan-core`, and their configuration.

use koukan_core::{
    filter::{
        message_builder::MessageBuilderLayer,
        message_parser::MessageParserLayer,
        received_header::ReceivedHeaderLayer,
        router::{AddressList, Decision, DestDomain, RouterLayer, Rules, StaticHosts},
    },
    message::parser::ParseLimits,
    reply::{Rejection, Reply},
    signals::{Destination, HostPort},
};
use serde::Deserialize;

use super::{InvalidFilter, Registry, Surroundings};
use crate::config::ByteSize;

/// Adds them.
pub(super) fn register(registry: &mut Registry) {
    registry.filter("message_builder", message_builder);
    registry.try_filter("message_parser", message_parser);
    registry.try_filter("received_header", received_header);
    registry.try_filter("router", router);
}

/// Renders messages that are given as a description.
#[derive(Deserialize)]
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
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MessageParser {
    /// Octets of a message that is parsed, at most.
    max_size: Option<ByteSize>,
    /// Octets of a text that is put into the JSON, at most.
    max_inline: Option<ByteSize>,
    /// Multiparts within each other, at most.
    max_depth: Option<usize>,
}

fn message_parser(
    config: MessageParser,
    _: &Surroundings,
) -> Result<MessageParserLayer, InvalidFilter> {
    let octets = |size: ByteSize| {
        let octets = usize::try_from(size.0);
        octets.map_err(|_| InvalidFilter(format!("{} octets do not fit into memory", size.0)))
    };
    let mut limits = ParseLimits::default();
    if let Some(size) = config.max_inline {
        limits.max_inline = octets(size)?;
    }
    if let Some(depth) = config.max_depth {
        limits.max_depth = depth;
    }
    let layer = MessageParserLayer::new().with_limits(limits);
    Ok(match config.max_size {
        Some(size) => layer.with_max_size(octets(size)?),
        None => layer,
    })
}

/// Adds the `Received` header field, and refuses messages that go round in a loop.
#[derive(Deserialize)]
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
        .map_err(|error| InvalidFilter(error.to_string()))?;
    Ok(match config.max_received {
        Some(max) => layer.with_max_received_fields(max),
        None => layer,
    })
}

/// Decides for each recipient where it goes: the first rule that knows it decides, and a recipient
/// that none knows is refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Router {
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Rule {
    /// Recipients by domain and local part.
    AddressList {
        domains: Vec<String>,
        #[serde(default)]
        prefixes: Vec<String>,
        delimiter: Option<char>,
        /// Where they go; without it and `reject` they are accepted.
        #[serde(default)]
        hosts: Vec<String>,
        /// With what they are refused.
        reject: Option<Refusal>,
    },
    /// Every recipient to its own domain.
    DestDomain { port: Option<u16> },
    /// Every recipient to these hosts.
    StaticHosts(Vec<String>),
    /// Every recipient is accepted.
    AcceptAll {},
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Refusal {
    NoSuchUser,
    RelayDenied,
    PolicyRefused,
    MailboxBusy,
}

fn router(config: Router, _: &Surroundings) -> Result<RouterLayer, InvalidFilter> {
    let mut rules = Rules::new();
    for rule in config.rules {
        rules = match rule {
            Rule::AddressList {
                domains,
                prefixes,
                delimiter,
                hosts,
                reject,
            } => {
                let decision = decision(&hosts, reject)?;
                let list = AddressList::new(domains, decision).with_prefixes(prefixes);
                rules.with(match delimiter {
                    Some(delimiter) => list.with_delimiter(delimiter),
                    None => list,
                })
            }
            Rule::DestDomain { port } => {
                let by_domain = DestDomain::new();
                rules.with(port.map_or(by_domain, |port| by_domain.with_port(port)))
            }
            Rule::StaticHosts(hosts) => rules.with(StaticHosts::new(parse(&hosts)?)),
            Rule::AcceptAll {} => rules.with(AcceptAll),
        };
    }
    Ok(RouterLayer::new(rules))
}

fn decision(hosts: &[String], reject: Option<Refusal>) -> Result<Decision, InvalidFilter> {
    let reply = match reject {
        None if hosts.is_empty() => return Ok(Decision::Accept),
        None => {
            let hosts = parse(hosts)?;
            return Ok(Decision::Route(Destination::of_operator(hosts)));
        }
        Some(_) if !hosts.is_empty() => {
            let text = "`hosts` and `reject` exclude each other: remove one of them";
            return Err(InvalidFilter(text.into()));
        }
        Some(Refusal::NoSuchUser) => Reply::no_such_user(),
        Some(Refusal::RelayDenied) => Reply::relay_denied(),
        Some(Refusal::PolicyRefused) => Reply::policy_refused(),
        Some(Refusal::MailboxBusy) => Reply::mailbox_busy(),
    };
    Ok(Decision::Reject(Rejection::new(reply)))
}

fn parse(hosts: &[String]) -> Result<Vec<HostPort>, InvalidFilter> {
    let parse = |host: &String| {
        let parsed = host.parse::<HostPort>();
        parsed.map_err(|error| InvalidFilter(format!("`{host}` is {error}")))
    };
    hosts.iter().map(parse).collect()
}

/// Knows and accepts every recipient.
#[derive(Debug)]
struct AcceptAll;

impl koukan_core::filter::router::Policy for AcceptAll {
    fn decide(&self, _: &koukan_core::path::ForwardPath) -> Decision {
        Decision::Accept
    }
}
