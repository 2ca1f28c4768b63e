//! Filters and matchers for the content of messages, and their configuration.

use koukan_core::{
    filter::{
        message_validation::{HasFile, MessageValidationLayer, WorseThan},
        policy_action::matchers::Pattern,
    },
    message::validation::{Level, MAX_DEPTH, ValidationReport},
    signals::DurableSignal,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{InvalidFilter, Registry, Surroundings};
use crate::config::{ByteSize, Step};

/// The names of the filters.
pub(super) const NAMES: [&str; 3] = ["change_header", "message_validation", "send_as"];

/// Adds the filters and matchers.
pub(super) fn register(registry: &mut Registry) {
    super::change_header::register(registry);
    super::send_as::register(registry);
    registry.own_filter("message_validation", message_validation);
    registry.signals("message_validation", [ValidationReport::NAME]);
    registry.matcher("message_validation", worse_than);
    registry.matcher("attachment", attachment);
}

/// Finds out how well formed messages are.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Validation {
    /// The most levels of nested multiparts and attached messages that are checked.
    max_depth: Option<usize>,
}

fn message_validation(
    config: Validation,
    _: &Surroundings,
) -> Result<MessageValidationLayer, InvalidFilter> {
    let layer = MessageValidationLayer::new();
    match config.max_depth {
        None => Ok(layer),
        Some(depth @ 1..=MAX_DEPTH) => Ok(layer.with_max_depth(depth)),
        Some(depth) => {
            let text = format!("`max_depth` is 1 to {MAX_DEPTH}, not {depth}");
            Err(at("max_depth", text))
        }
    }
}

/// The level from which on a message matches.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Threshold {
    threshold: LevelName,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "UPPERCASE")]
enum LevelName {
    Basic,
    Medium,
    High,
}

fn worse_than(config: Threshold) -> Result<WorseThan, InvalidFilter> {
    Ok(WorseThan(match config.threshold {
        LevelName::Basic => Level::Basic,
        LevelName::Medium => Level::Medium,
        LevelName::High => Level::High,
    }))
}

/// Files that a message is searched for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attachment {
    #[serde(default)]
    types: Vec<String>,
    #[serde(default)]
    names: Vec<String>,
    larger_than: Option<ByteSize>,
}

fn attachment(config: Attachment) -> Result<HasFile, InvalidFilter> {
    if config.types.is_empty() && config.names.is_empty() && config.larger_than.is_none() {
        let text = "it says of no file that it is one: add `types`, `names` or `larger_than`";
        return Err(InvalidFilter::new(text));
    }
    if let Some(name) = config.types.iter().find(|name| !name.contains(['/', '*'])) {
        let text = format!("`{name}` is no type, as in `application/zip` or `image/*`");
        return Err(at("types", text));
    }
    let patterns = |texts: &[String]| -> Vec<_> {
        let patterns = texts.iter().map(|text| Pattern::new(text));
        patterns.collect()
    };
    let files = HasFile::default()
        .with_types(patterns(&config.types))
        .with_names(patterns(&config.names));
    Ok(match config.larger_than {
        Some(ByteSize(octets)) => files.with_larger_than(octets),
        None => files,
    })
}

fn at(key: &str, message: String) -> InvalidFilter {
    InvalidFilter {
        message,
        at: vec![Step::Key(key.into())],
    }
}
