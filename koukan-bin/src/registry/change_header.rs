//! The filter `change_header`, which removes and adds header fields.

use koukan_core::{filter::change_header::ChangeHeaderLayer, message::header_edit::HeaderEdit};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{InvalidFilter, Registry, Surroundings};
use crate::config::Step;

/// Adds the filter.
pub(super) fn register(registry: &mut Registry) {
    registry.own_filter("change_header", change_header);
    registry.signals("change_header", []);
}

/// Removes header fields, and adds others.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Names of fields to remove.
    #[serde(default)]
    remove: Vec<String>,
    /// Fields that replace all fields with their names.
    #[serde(default)]
    replace: Vec<Field>,
    /// Fields to add.
    #[serde(default)]
    add: Vec<Field>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Field {
    name: String,
    value: String,
}

/// The names of the fields that a filter with that configuration removes, and of those that it adds.
pub(crate) fn changed_fields(config: &Value) -> Option<(Vec<String>, Vec<String>)> {
    let Config {
        mut remove,
        replace,
        add,
    } = Config::deserialize(config).ok()?;
    remove.extend(replace.iter().map(|field| field.name.clone()));
    let added = replace.into_iter().chain(add).map(|field| field.name);
    Some((remove, added.collect()))
}

fn change_header(config: Config, _: &Surroundings) -> Result<ChangeHeaderLayer, InvalidFilter> {
    if config.remove.is_empty() && config.replace.is_empty() && config.add.is_empty() {
        let text = "it changes nothing: add `remove`, `replace` or `add`";
        return Err(InvalidFilter::new(text));
    }
    let mut edit = HeaderEdit::default();
    for (index, name) in config.remove.iter().enumerate() {
        // Checks that it is a valid name.
        if let Err(error) = HeaderEdit::default().with(name, "") {
            return Err(at("remove", index, error.to_string()));
        }
        edit = edit.without(name);
    }
    for (key, fields) in [("replace", &config.replace), ("add", &config.add)] {
        for (index, field) in fields.iter().enumerate() {
            if key == "replace" {
                edit = edit.without(&field.name);
            }
            let added = edit.with(&field.name, &field.value);
            edit = added.map_err(|error| at(key, index, error.to_string()))?;
        }
    }
    Ok(ChangeHeaderLayer::new(edit))
}

fn at(key: &str, index: usize, message: String) -> InvalidFilter {
    InvalidFilter {
        message,
        at: vec![Step::Key(key.into()), Step::Item(index)],
    }
}
