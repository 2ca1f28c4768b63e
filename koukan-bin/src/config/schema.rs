//! The JSON Schema of the configuration.

use crate::registry::Registry;

use super::Config;

impl Config {
    /// The JSON Schema of the configuration.
    pub fn json_schema() -> serde_json::Value {
        schemars::schema_for!(Self).to_value()
    }

    /// The same with the embedder's endpoints, filters and router rules; their configurations may
    /// have any content.
    pub fn json_schema_with(registry: &Registry) -> serde_json::Value {
        let mut schema = Self::json_schema();
        let added = |name: &str, config: serde_json::Value| {
            serde_json::json!({
                "type": "object",
                "properties": { name: config },
                "required": [name],
                "additionalProperties": false,
            })
        };
        if let Some(endpoints) = schema["$defs"]["Endpoint"]["oneOf"].as_array_mut() {
            let config = || serde_json::json!({ "type": ["object", "null"] });
            endpoints.extend(registry.endpoint_names().map(|name| added(name, config())));
        }
        if let Some(rules) = schema["$defs"]["Rule"]["oneOf"].as_array_mut() {
            for name in registry.rule_names() {
                rules.push(added(name, true.into()));
                // A rule without keys may be written as its name alone.
                rules.push(serde_json::json!({ "const": name }));
            }
        }
        if let Some(filters) = schema["$defs"]["Filter"]["oneOf"][1]["properties"].as_object_mut() {
            let added = registry.names().filter(|name| !registry.describes(name));
            filters.extend(added.map(|name| (name.to_owned(), true.into())));
        }
        schema
    }
}
