//! Matchers for the signals of filters, and for the results of other rules.

use koukan_core::filter::policy_action::matchers::{Earlier, SignalMatcher};
use serde::Deserialize;
use serde_json::Value;

use super::{InvalidFilter, at};
use crate::config::Step;

/// A signal of a filter: a part of it, and the values that match.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Signal {
    name: String,
    #[serde(default)]
    pointer: String,
    values: Option<Vec<Value>>,
}

pub(super) fn signal(config: Signal) -> Result<SignalMatcher, InvalidFilter> {
    if !config.pointer.is_empty() && !config.pointer.starts_with('/') {
        let text = format!(
            "`{0}` is no JSON pointer: write `/{0}`, with `/` before each name",
            config.pointer
        );
        return Err(at(text, vec![Step::Key("pointer".into())]));
    }
    if config.values.as_ref().is_some_and(Vec::is_empty) {
        let text = "without a value it never matches: add one, or leave `values` out";
        return Err(at(text, vec![Step::Key("values".into())]));
    }
    Ok(SignalMatcher::new(config.name)
        .with_pointer(config.pointer)
        .with_values(config.values.unwrap_or_default()))
}

/// The result of another rule.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Said {
    tag: Option<Box<str>>,
    rule: Option<Box<str>>,
}

pub(super) fn earlier(config: Said) -> Result<Earlier, InvalidFilter> {
    match (config.rule, config.tag) {
        (Some(rule), None) => Ok(Earlier::Rule(rule)),
        (None, Some(tag)) => Ok(Earlier::Tag(tag)),
        _ => Err(InvalidFilter::new("name a `rule` or a `tag`, and not both")),
    }
}
