//! Who submits mail.

use std::collections::BTreeMap;

use koukan_core::context;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Place;

/// A sender: who submits mail, and which chain it goes through.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sender {
    /// The sender's name.
    pub name: Place<String>,
    /// The chain for mail without a tag.
    pub chain: Option<Place<String>>,
    /// Chains by tag.
    #[serde(default)]
    pub tag: BTreeMap<String, Place<String>>,
}

/// A sender and, where its chain depends on it, a tag.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Principal {
    /// The name of a sender.
    pub sender: Place<String>,
    /// One of its tags.
    pub tag: Option<Place<String>>,
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
