//! What is needed of a rule to check its position.

use koukan_core::filter::policy_action::matchers::Earlier;
use serde::Deserialize;
use serde_json::Value;

use super::{Matchers, Mode, Rule, Surroundings, action::Actions, at_match, expression::Reader};
use crate::config::Step;

/// What is needed of a rule to check its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outline {
    pub(crate) name: String,
    pub(crate) tag: String,
    pub(crate) is_per_recipient: bool,
    /// Whether it always matches.
    pub(crate) is_unconditional: bool,
    /// Whether a match always ends the evaluation of the other rules with its tag.
    pub(crate) ends_tag: bool,
    /// Whether it always refuses what it matches.
    pub(crate) refuses: bool,
    /// The signals that its matchers use.
    pub(crate) asks: Vec<Asked>,
}

/// A signal that a matcher uses, and the matcher's place in the rule's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) signal: String,
    pub(crate) place: Vec<Step>,
}

impl Outline {
    /// The outline of the rule with that configuration, if it is valid.
    pub(in crate::registry) fn read(
        config: &Value,
        matchers: &Matchers,
        surroundings: &Surroundings,
    ) -> Option<Self> {
        let config = Rule::deserialize(config).ok()?;
        let actions = Actions::read(config.action.as_ref()).ok()?;
        let mut reader = Reader {
            matchers,
            surroundings,
            asks: Vec::new(),
        };
        if let Some(expression) = &config.expression {
            reader.read(expression, at_match()).ok()?;
        }
        Some(Self {
            name: config.name.unwrap_or_else(|| config.tag.clone()),
            tag: config.tag,
            is_per_recipient: config.mode == Some(Mode::PerRcpt),
            is_unconditional: config.expression.is_none(),
            ends_tag: actions.shares().all(|(_, action)| action.ends_tag()),
            refuses: actions.shares().all(|(_, action)| action.is_refusal()),
            asks: reader.asks,
        })
    }

    /// The signals that the rule writes when it matches.
    pub(crate) fn signals(&self) -> [String; 2] {
        let rule = Earlier::Rule(self.name.as_str().into());
        let tag = Earlier::Tag(self.tag.as_str().into());
        [rule, tag].map(|earlier| earlier.signal_name())
    }
}
