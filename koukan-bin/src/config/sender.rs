//! Who submits mail.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use koukan_core::context;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{HumanDuration, Place};

/// A sender: who submits mail, and which chain the mail goes through.
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
    /// Whether and for how long addresses that were found to be bad are suppressed. Default: they are not.
    pub suppression: Option<Place<SenderSuppression>>,
}

/// How a sender suppresses addresses that were found to be bad.
///
/// After a host has permanently refused an address, recipients with this address are refused at
/// once, without an attempt. Only for a sender whose chain ends with `smtp`, `rest` or `webhook`.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SenderSuppression {
    /// How long an address is suppressed. Default 30 days.
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
/// Transactions for a chain that ends with an exploder are made step by step, as an SMTP gateway
/// makes them; others arrive whole, and are committed before they are answered.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RestSender {
    /// Whether the transactions pass this agent as they would an SMTP gateway: step by step,
    /// without being kept, and to the host in their `remote_host`. Default `false`.
    pub gateway: bool,
    /// Whether transient failures are retried if a transaction does not say. Default `true`.
    pub retry: bool,
    /// Whether final failures are reported to the reverse-path if a transaction does not say.
    /// Default `true`.
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

/// A sender and, if its chain depends on it, a tag.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Principal {
    /// The name of a sender.
    pub sender: Place<String>,
    /// A tag of that sender.
    pub tag: Option<Place<String>>,
}

/// How senders of messages are notified.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Notification {
    /// The name of the sender whose chain notifications go through.
    pub sender: Place<String>,
    /// A tag of that sender.
    pub tag: Option<Place<String>>,
    /// After how long senders are notified, once, that their mail is delayed. Default: they are not.
    pub delayed_after: Option<HumanDuration>,
    /// A file with the texts of notifications, in one language or several. Default: English texts.
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
    /// The sender's chains, each with its sender and tag.
    pub fn chains(&self) -> impl Iterator<Item = (context::Sender, &Place<String>)> {
        let sender = || context::Sender::new(self.name.value.as_str());
        let default = self.chain.iter().map(move |chain| (sender(), chain));
        let by_tag = self.tag.iter();
        default.chain(by_tag.map(move |(tag, chain)| (sender().with_tag(tag.as_str()), chain)))
    }
}
