//! The JSON Schema of the configuration.

mod definitions;

use std::{collections::BTreeMap, mem};

use schemars::{Schema, json_schema};
use serde_json::{Map, Value, json};

use self::definitions::Definitions;
use super::Config;
use crate::registry::Registry;

impl Config {
    /// The JSON Schema of the configuration.
    pub fn json_schema() -> Value {
        schemars::schema_for!(Self).to_value()
    }

    /// The same with the embedder's endpoints, filters and router rules. The configuration of one whose schema was not
    /// [given](Registry::filter_schema) may have any content.
    pub fn json_schema_with(registry: &Registry) -> Value {
        let mut schema = Self::json_schema();
        let own = registry.own_schemas();
        let mut definitions = Map::new();
        let mut described = |kind: &str, schemas: &BTreeMap<String, Value>, name: &str| {
            let schema = schemas.get(name)?;
            Some(Definitions(&mut definitions).add(&format!("{kind}.{name}"), schema))
        };
        if let Some(endpoints) = schema["$defs"]["Endpoint"]["oneOf"].as_array_mut() {
            for name in registry.endpoint_names() {
                let config = match described("endpoint", &own.endpoints, name) {
                    Some(config) => or_nothing(&config),
                    None => json!({ "type": ["object", "null"] }),
                };
                endpoints.push(alone(name, &config));
            }
        }
        if let Some(rules) = schema["$defs"]["Rule"]["oneOf"].as_array_mut() {
            for name in registry.rule_names() {
                let config = described("rule", &own.rules, name);
                rules.push(alone(name, &config.unwrap_or(Value::Bool(true))));
                // A rule without keys may be written as its name alone.
                rules.push(json!({ "const": name }));
            }
        }
        if let Some(filters) = schema["$defs"]["Filter"]["oneOf"][1]["properties"].as_object_mut() {
            for name in registry.names().filter(|name| !registry.describes(name)) {
                let config = described("filter", &own.filters, name);
                let config = config.map_or(Value::Bool(true), |config| or_nothing(&config));
                filters.insert(name.to_owned(), config);
            }
        }
        if let Some(all) = schema["$defs"].as_object_mut() {
            all.append(&mut definitions);
        }
        schema
    }
}

/// A mapping with one key.
fn alone(name: &str, config: &Value) -> Value {
    json!({
        "type": "object",
        "properties": { name: config },
        "required": [name],
        "additionalProperties": false,
    })
}

/// With nothing behind the colon, a part has its default configuration.
fn or_nothing(config: &Value) -> Value {
    json!({ "anyOf": [config, { "type": "null" }] })
}

/// Extends the schema of a mapping by a short form.
pub(super) fn or_short_form(schema: &mut Schema, short: &Value) {
    let description = schema.remove("description");
    let mapping = mem::take(schema);
    *schema = json_schema!({
        "description": description,
        "anyOf": [short, mapping],
    });
}
