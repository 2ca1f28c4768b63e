//! Chains of filters.

use std::{borrow::Cow, collections::BTreeMap, fmt, net::IpAddr, num::NonZeroUsize, path::PathBuf};

use koukan_core::context;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor},
};

use super::{
    CertificateFiles, ClientAuth, Endpoint, HumanDuration, Place, Retry, ServerTlsMode, TlsLevel,
    node::{Node, Step},
};
use crate::registry::Registry;

/// Filters in the order in which a transaction passes them, and the endpoint at the end.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Chain {
    /// The chain's name.
    pub name: Place<String>,
    /// The filters.
    #[serde(default)]
    pub filter: Vec<Place<Filter>>,
    /// The end of the chain.
    pub endpoint: Endpoint,
    /// How often delivery through this chain is tried; missing keys are taken from the general `retry`.
    #[serde(default)]
    pub retry: Retry,
}

/// A filter by name, with its configuration: `name`, or `name: {…}`.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// The name under which the filter is registered.
    pub name: String,
    /// Its configuration; an empty object if there is none.
    pub config: serde_json::Value,
    /// Where the parts of the configuration are in the file.
    pub(super) node: Option<Place<Node>>,
}

/// Makes one transaction for each recipient, and keeps it if it cannot be delivered at once.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Exploder {
    /// What kind of client it is.
    pub policy: Policy,
    /// On whose behalf the recipients' transactions are sent: the name of a sender.
    pub sender: Place<String>,
    /// A tag of that sender.
    pub tag: Option<Place<String>>,
    /// Other senders for recipients in certain domains.
    #[serde(default)]
    pub domain: BTreeMap<String, Place<String>>,
    /// Whether a sender is notified of recipients that failed after the message was accepted for others. Default `always`.
    #[serde(default)]
    pub notify: Notify,
    /// How long the client waits for the destination's reply to RCPT. Default `30s`.
    pub rcpt_timeout: Option<HumanDuration>,
    /// How long the client waits for the destination's reply to the message. Default `60s`; `9m` with `policy:
    /// ingress`, since such a client would send a second copy if it were told to try later.
    pub final_timeout: Option<HumanDuration>,
}

impl Exploder {
    /// On whose behalf the recipients' transactions may be sent.
    pub fn senders(&self) -> impl Iterator<Item = context::Sender> {
        let named = |name: &Place<String>| context::Sender::new(name.value.as_str());
        let general = match &self.tag {
            Some(tag) => named(&self.sender).with_tag(tag.value.as_str()),
            None => named(&self.sender),
        };
        self.domain.values().map(named).chain([general])
    }
}

/// An HTTP server that takes transactions by the REST API.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Rest {
    /// Its URL, as in `http://127.0.0.1:8000`.
    pub url: Place<String>,
    /// On whose behalf transactions are created there. Default: this agent's sender.
    pub sender: Option<String>,
    /// The tag for that sender. Default: this agent's tag, if `sender` is not given.
    pub tag: Option<String>,
    /// Whether it accepts transactions step by step. Default `true`.
    pub incremental: Option<bool>,
    /// Whether to send it what filters have found out, and the id of the message (`filter_output`). Not every program
    /// accepts this field. If this agent is a trusted client there, the message keeps its id. Default `false`.
    pub filter_output: Option<bool>,
    /// The URLs of other servers, its replicas, that it may name in redirects and in the URIs of transactions. The
    /// token is not sent to them. Default: none.
    #[serde(default)]
    pub other_url: Vec<Place<String>>,
    /// A file with the bearer token to send.
    #[schemars(with = "Option<String>")]
    pub token_file: Option<Place<PathBuf>>,
    /// A file with the trusted authorities' certificates, in PEM. Default: those that the system trusts.
    #[schemars(with = "Option<String>")]
    pub ca_file: Option<Place<PathBuf>>,
    /// How long to wait for the reply to MAIL and RCPT. Default `5m`.
    pub rcpt_timeout: Option<HumanDuration>,
    /// How long to wait for the reply to the message. Default `10m`.
    pub final_timeout: Option<HumanDuration>,
}

/// What kind of client it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Policy {
    /// A user's program: this agent keeps and retries what may succeed later.
    Submission,
    /// Another agent, which retries by itself.
    Ingress,
}

/// Whether the sender is notified of recipients that failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Notify {
    /// By a notification to the reverse-path.
    #[default]
    Always,
    /// Only if SPF has passed (`spf_check`), so that the reverse-path is not forged.
    SpfPass,
    /// Never: for reverse-paths that cannot be trusted.
    Never,
}

/// An SMTP server.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Smtp {
    /// Hosts to try in this order, as `host:port`, or the path of a Unix socket, as in `unix:/run/dovecot/lmtp`.
    /// Without any, a routing filter of the chain names the hosts.
    pub host: Vec<Place<String>>,
    /// Whether the hosts speak LMTP (RFC 2033), as programs with mailboxes do: the message then gets a reply for each
    /// recipient, and success means that it is in the mailbox. Default `false`.
    #[schemars(with = "bool")]
    pub lmtp: Option<Place<bool>>,
    /// Special networks to which connections are allowed, as in `127.0.0.0/8`, if the host does not come from this
    /// configuration but from a recipient's domain or `remote_host`. Otherwise, loopback, link-local, unspecified,
    /// multicast and reserved addresses, and those of metadata services, are refused. Default: none.
    #[schemars(with = "Vec<String>")]
    pub allow_networks: Vec<Place<String>>,
    /// How much TLS is required of the servers. A `destination` may say otherwise for its host. Default `opportunistic`.
    pub tls: Option<Place<TlsLevel>>,
    /// When TLS begins: with STARTTLS, or with the first octet, as servers at port 465 expect it. A `destination` may say
    /// otherwise for its host. Default `offered`.
    #[schemars(with = "Option<ServerTlsMode>")]
    pub tls_mode: Option<Place<ServerTlsMode>>,
    /// Whether to follow the MTA-STS policies of domains. This applies to mail hosts that the DNS names: a `router`
    /// with `dest_domain: { mx: true }`. Default `false`; a `destination` may say otherwise for a domain.
    #[schemars(with = "Option<bool>")]
    pub mta_sts: Option<Place<bool>>,
    /// Whether to follow DANE: the DNS is asked for the certificates of the mail hosts that it names, and if it
    /// proves that there are some, they are required. Default `false`; it needs `resolver: { dnssec: true }`.
    #[schemars(with = "Option<bool>")]
    pub dane: Option<Place<bool>>,
    /// A file with the trusted authorities' certificates, in PEM, for `tls: verified` and `mta_sts`. Default: those
    /// that the system trusts.
    #[schemars(with = "Option<String>")]
    pub ca_file: Option<Place<PathBuf>>,
    /// The certificate for servers that ask for one. It is read again when its files change. Default: none.
    pub certificate: Option<CertificateFiles>,
    /// The credentials for the hosts in `host`. Default: none.
    pub auth: Option<ClientAuth>,
    /// The addresses of this machine from which connections are made: one for IPv4, one for IPv6, or both. A
    /// `destination` may name others for its host. For a family without one, the system chooses. Default: none.
    #[schemars(with = "Vec<IpAddr>")]
    pub source_address: Vec<Place<IpAddr>>,
    /// Whether messages that need 8BITMIME or BINARYMIME are encoded for hosts that do not offer it: as quoted-printable
    /// or base64, part by part. A message that is not encoded fails with 554. Default `never`.
    pub downgrade: Option<DowngradeLevel>,
    /// The most connections to one host. Default 100.
    pub max_connections: Option<NonZeroUsize>,
    /// How long to wait for a connection to be made. Default `30s`.
    pub connect_timeout: Option<HumanDuration>,
    /// How long an unused connection is kept. Default `1m`.
    pub idle_timeout: Option<HumanDuration>,
}

/// Which messages are encoded for hosts that do not accept them unchanged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DowngradeLevel {
    /// None.
    #[default]
    Never,
    /// Messages without a signature (`DKIM-Signature`, the fields of ARC). Parts that are `multipart/signed` or
    /// `multipart/encrypted` stay unchanged.
    Unsigned,
    /// All messages. Their signatures are no longer valid when they arrive.
    All,
}

impl Smtp {
    /// Whether the hosts speak LMTP.
    pub fn is_lmtp(&self) -> bool {
        self.lmtp.as_ref().is_some_and(|lmtp| lmtp.value)
    }

    /// Whether MTA-STS policies are followed, unless a `destination` says otherwise for a domain.
    pub(crate) fn follows_policies(&self) -> bool {
        self.mta_sts.as_ref().is_some_and(|mta_sts| mta_sts.value)
    }
}

impl Filter {
    /// Where in the file the part of a filter's configuration is to which the steps lead.
    pub(super) fn place_of(filter: &Place<Self>, steps: &[Step]) -> Place<()> {
        match &filter.value.node {
            Some(node) => {
                let whole = match (&node.value, node.line) {
                    // A block mapping begins at its first key.
                    (Node::Mapping(_) | Node::List(_), _) | (_, 0) => filter.place(),
                    _ => node.place(),
                };
                node.value.find(steps, whole)
            }
            None => filter.place(),
        }
    }
}

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FilterVisitor)
    }
}

struct FilterVisitor;

impl<'de> Visitor<'de> for FilterVisitor {
    type Value = Filter;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a filter, or its name and configuration as `name: {…}`")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Filter, E> {
        Ok(Filter {
            name: name.to_owned(),
            config: serde_json::Value::Object(serde_json::Map::new()),
            node: None,
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Filter, A::Error> {
        let none = || de::Error::custom("a filter needs a name");
        let name = map.next_key::<String>()?.ok_or_else(none)?;
        let node = map.next_value::<Place<Node>>()?;
        let config = match node.value.to_value() {
            serde_json::Value::Null => serde_json::Value::Object(serde_json::Map::new()),
            config => config,
        };
        match map.next_key::<String>()? {
            None => Ok(Filter {
                name,
                config,
                node: Some(node),
            }),
            Some(second) => Err(de::Error::custom(format!(
                "`{second}` stands beside filter `{name}`: start each filter with `- `, and indent its configuration"
            ))),
        }
    }
}

impl JsonSchema for Filter {
    fn schema_name() -> Cow<'static, str> {
        "Filter".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let registry = Registry::default();
        let mut keys = serde_json::Map::new();
        for (name, schema) in registry.schemas() {
            let schema = schema(generator);
            // With nothing behind the colon, the filter has its default configuration.
            keys.insert(
                name.to_owned(),
                serde_json::json!({ "anyOf": [schema, { "type": "null" }] }),
            );
        }
        let names: Vec<_> = keys.keys().cloned().collect();
        json_schema!({
            "description": "A filter by its name, with its configuration. An agent may have more than these.",
            "oneOf": [
                { "type": "string", "examples": names },
                { "type": "object", "minProperties": 1, "maxProperties": 1, "properties": keys }
            ]
        })
    }
}
