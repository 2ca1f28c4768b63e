//! The configuration: typed, and checked as a whole before anything starts.
//!
//! [`Config::load`] reads YAML. It reports errors with file, line and a suggestion
//! ([`ConfigError`]). [`Config::json_schema`] describes the configuration.

mod auth;
mod chain;
mod destination;
mod duration;
mod endpoint;
mod listener;
mod load;
mod missing;
mod node;
mod place;
mod postgres;
mod problem;
mod rate;
mod resolver;
mod rest;
mod retry;
mod schema;
mod sender;
mod session_url;
mod settings;
mod shape;
mod shutdown;
mod size;
mod slips;
mod storage;
mod suggest;
mod template;
mod tls;
mod unix_socket;
mod validate;
mod webhook;
mod words;

pub use self::{
    auth::{ClientAuth, HttpAuth, ListenerAuth},
    chain::{Chain, DowngradeLevel, Exploder, Filter, Notify, Policy, Rest, Smtp},
    destination::Destination,
    duration::{HumanDuration, KeepTime},
    endpoint::{Endpoint, OwnEndpoint},
    listener::{BareLineEnds, RestListener, Role, SmtpListener, Token},
    node::Step,
    place::Place,
    postgres::{Postgres, PostgresTls},
    problem::{ConfigError, ConfigWarnings, Problem, Severity},
    rate::MessageRate,
    resolver::Resolver,
    rest::RestApi,
    retry::Retry,
    sender::{Notification, Principal, RestSender, Sender, SenderSuppression},
    shutdown::Shutdown,
    size::ByteSize,
    storage::{EventRetention, Events, Retention, Storage},
    tls::{CertificateFiles, ClientCertificate, ListenerTls, ServerTlsMode, TlsLevel, TlsMode},
    unix_socket::UnixSocket,
    webhook::{MailWebhook, Webhook},
};
pub(crate) use self::{
    suggest::{instead, nearest},
    template::read_template,
    validate::{is_in_the_clear, is_soon},
    words::PANICKED,
};

use std::{num::NonZeroUsize, time::Duration};

use koukan_core::{context, stage::dispatcher::MAX_IN_FLIGHT};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::registry::AddRoute;

/// The whole configuration of an agent.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Config {
    /// The domain name by which this agent introduces itself, and which it writes into header
    /// fields and reports.
    pub hostname: Place<String>,
    /// What is logged, and how.
    #[serde(default)]
    pub log: Log,
    /// Where transactions are kept.
    #[serde(default)]
    pub storage: Storage,
    /// How often and for how long delivery is tried, unless a chain says otherwise.
    #[serde(default)]
    pub retry: Retry,
    /// How stored transactions are delivered.
    #[serde(default)]
    pub output: Output,
    /// How the agent stops.
    #[serde(default)]
    pub shutdown: Shutdown,
    /// How names are looked up.
    #[serde(default)]
    pub resolver: Resolver,
    /// Settings for single destinations.
    #[serde(default)]
    pub destination: Vec<Destination>,
    /// How senders of messages are notified of failures. Required where mail is kept: with an exploder, copies that are
    /// stored, a sender with `rest` that is no gateway, or a database.
    pub notification: Option<Notification>,
    /// Listeners for SMTP clients.
    #[serde(default)]
    pub smtp_listener: Vec<SmtpListener>,
    /// Listeners for HTTP clients.
    #[serde(default)]
    pub rest_listener: Vec<RestListener>,
    /// Limits of the REST API.
    #[serde(default)]
    pub rest: RestApi,
    /// Webhooks, which are told of events.
    #[serde(default)]
    pub webhooks: Vec<Webhook>,
    /// Who submits mail, and which chain the mail goes through.
    pub sender: Vec<Sender>,
    /// Chains of filters; each ends with an endpoint.
    pub chain: Vec<Chain>,
}

impl Config {
    /// Whether any client is told that a message was accepted when the message, or a copy of it, is
    /// only in storage.
    pub(crate) fn promises_mail(&self) -> bool {
        let explodes = |chain: &Chain| {
            let is_stored = AddRoute::all(chain).any(|route| route.is_stored());
            is_stored || matches!(chain.endpoint, Endpoint::Exploder(_))
        };
        let is_kept = |rest: &RestSender| !rest.gateway;
        self.chain.iter().any(explodes)
            || self
                .sender
                .iter()
                .any(|sender| sender.rest.as_ref().is_some_and(is_kept))
    }

    /// How long each sender suppresses bad addresses, by the name of the sender.
    pub fn suppressions(&self) -> impl Iterator<Item = (Box<str>, Duration)> {
        self.sender.iter().filter_map(|sender| {
            let suppression = sender.suppression.as_ref()?;
            let name = sender.name.value.as_str().into();
            Some((name, suppression.value.expiry.0))
        })
    }

    /// The chain that a sender's mail goes through.
    pub(crate) fn chain_of(&self, sender: &context::Sender) -> Option<&Chain> {
        let mut all = self.sender.iter().flat_map(Sender::chains);
        let (_, name) = all.find(|(known, _)| known == sender)?;
        self.chain
            .iter()
            .find(|chain| chain.name.value == name.value)
    }
}

/// What is logged, and how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Log {
    /// The format of a line.
    #[serde(default)]
    pub format: LogFormat,
    /// The least important level that is logged; `KOUKAN_LOG` overrides it.
    #[serde(default)]
    pub level: LogLevel,
}

/// The format of a log line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum LogFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

/// How important a log line is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum LogLevel {
    /// Something failed.
    Error,
    /// Something is unusual.
    Warn,
    /// The outcome of each transaction.
    #[default]
    Info,
    /// What each stage does.
    Debug,
    /// Everything.
    Trace,
}

/// How stored transactions are delivered.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Output {
    /// The most attempts at queued transactions at the same time.
    pub max_in_flight: NonZeroUsize,
}

impl Default for Output {
    fn default() -> Self {
        Self {
            max_in_flight: const { NonZeroUsize::new(MAX_IN_FLIGHT).expect("it is not zero") },
        }
    }
}
