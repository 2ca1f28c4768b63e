//! A matcher for header fields.

use koukan_core::filter::policy_action::matchers::{HeaderCondition, HeaderMatcher, Pattern};
use serde::Deserialize;

use super::{InvalidFilter, OneOrMany, at};
use crate::config::Step;

/// A header field, and a condition on it: one of the other keys, or that the field is present.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    name: String,
    value: Option<OneOrMany>,
    prefix: Option<OneOrMany>,
    pattern: Option<OneOrMany>,
    absent: Option<bool>,
}

pub(super) fn header(config: Header) -> Result<HeaderMatcher, InvalidFilter> {
    let is_name = |c: char| c.is_ascii_graphic() && c != ':';
    if config.name.is_empty() || !config.name.chars().all(is_name) {
        let text = match config.name.strip_suffix(':') {
            Some(name) => format!("`{}` is no field name: write `{name}`", config.name),
            None => format!("`{}` is no field name, as in `Subject`", config.name),
        };
        return Err(at(text, vec![Step::Key("name".into())]));
    }
    let mut asked = Vec::new();
    for (key, texts) in [
        ("value", config.value),
        ("prefix", config.prefix),
        ("pattern", config.pattern),
    ] {
        let Some(texts) = texts else { continue };
        let mut all = Vec::new();
        for (text, place) in texts.all(key, "no field is like that: add a text")? {
            if text.is_empty() && key != "value" {
                return Err(at("every field is like that: leave it out", place));
            }
            all.push(text);
        }
        let boxed = || all.iter().map(|text| text.as_str().into()).collect();
        let value = match key {
            "value" => HeaderCondition::Is(boxed()),
            "prefix" => HeaderCondition::Begins(boxed()),
            _ => HeaderCondition::Like(all.iter().map(|text| Pattern::new(text)).collect()),
        };
        asked.push((key, value));
    }
    if config.absent == Some(true) {
        asked.push(("absent", HeaderCondition::Absent));
    }
    let mut asked = asked.into_iter();
    match (asked.next(), asked.next()) {
        (None, _) => Ok(HeaderMatcher::new(config.name, HeaderCondition::Present)),
        (Some((_, value)), None) => Ok(HeaderMatcher::new(config.name, value)),
        (Some((first, _)), Some((second, _))) => {
            let text = format!(
                "`{first}` and `{second}` are both there: make two matchers of them, in `any` or `all`"
            );
            Err(at(text, vec![Step::Key(second.into())]))
        }
    }
}
