//! Who submits mail.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use koukan_core::context;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{HumanDuration, Place};

/// A sender: who submits mail, and which chain it goes through.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Sender {
    /// The sender's name.
    pub name: Place<String>,
    /// The chain for mail without a tag.
    pub chain: Option<Place<String>>,
    /// Chains by tag.
    #[serde(default)]
    pub tag: BTreeMap<String, Place<String>>,
    /// Whether and how it may create transactions by the REST API. Default: it may not.
    pub rest: Option<RestSender>,
    /// Whether and for how long nothing is sent to addresses that were found to be bad. Default: mail is
    /// sent to them.
    pub suppression: Option<Place<SenderSuppression>>,
}

/// How a sender remembers addresses that were found to be bad.
///
/// Recipients whose addresses a host has refused for good are refused at once from then on, without an
/// attempt. It is for a sender whose chain ends in `smtp`, `rest` or `webhook`.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SenderSuppression {
    /// For how long. Default 30 days.
    pub expiry: HumanDuration,
}

impl Default for SenderSuppression {
    fn default() -> Self {
        Self {
            expiry: HumanDuration(Duration::from_secs(30 * 24 * 60 * 60)),
        }
    }
}

/// How a sender uses the REST API.
///
/// Transactions for a chain that ends in an exploder are made step by step, as an SMTP gateway
/// does; others come whole, and are committed before they are answered.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RestSender {
    /// Whether the transactions go through this agent as through an SMTP gateway: step by step,
    /// without being kept, and to the host that their `remote_host` names. Default `false`.
    pub gateway: bool,
    /// Whether transient failures are retried, where a transaction does not say. Default `true`.
    pub retry: bool,
    /// Whether final failures are told to the reverse-path, likewise. Default `true`.
    pub notification: bool,
}

impl Default for RestSender {
    fn default() -> Self {
        Self {
            gateway: false,
            retry: true,
            notification: true,
        }
    }
}

/// A sender and, where its chain depends on it, a tag.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Principal {
    /// The name of a sender.
    pub sender: Place<String>,
    /// One of its tags.
    pub tag: Option<Place<String>>,
}

/// How senders are told what becomes of their mail.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Notification {
    /// The name of a sender, whose chain notifications go through.
    pub sender: Place<String>,
    /// One of its tags.
    pub tag: Option<Place<String>>,
    /// After how long senders are told, once, that their mail was not delivered as yet. Default: they
    /// are not.
    pub delayed_after: Option<HumanDuration>,
    /// A file with what notifications tell people, in one language or several. Default: in English.
    #[schemars(with = "Option<String>")]
    pub template: Option<Place<PathBuf>>,
}

impl Notification {
    /// The sender, as transactions carry it.
    pub fn to_sender(&self) -> context::Sender {
        let principal = Principal {
            sender: self.sender.clone(),
            tag: self.tag.clone(),
        };
        principal.to_sender()
    }
}

impl Principal {
    /// The sender, as transactions carry it.
    pub fn to_sender(&self) -> context::Sender {
        let sender = context::Sender::new(self.sender.value.as_str());
        match &self.tag {
            Some(tag) => sender.with_tag(tag.value.as_str()),
            None => sender,
        }
    }
}

impl Sender {
    /// The sender's chains, each with the sender and tag that it is for.
    pub fn chains(&self) -> impl Iterator<Item = (context::Sender, &Place<String>)> {
        let sender = || context::Sender::new(self.name.value.as_str());
        let default = self.chain.iter().map(move |chain| (sender(), chain));
        let by_tag = self.tag.iter();
        default.chain(by_tag.map(move |(tag, chain)| (sender().with_tag(tag.as_str()), chain)))
    }
}
