//! Puts the schema of an embedder's part into that of the whole configuration.

use std::fmt::Write;

use serde_json::{Map, Value, json};

/// The definitions of a schema, to which those of an embedder's parts are added.
pub(super) struct Definitions<'a>(pub(super) &'a mut Map<String, Value>);

impl Definitions<'_> {
    /// Adds a part's schema under that name, and returns a reference to it.
    ///
    /// In the schema, `#` means the schema itself, as in `#/$defs/Mode`. So its references are changed to mean the place
    /// where it is now, unless it has an identifier (`$id`), to which they are relative.
    pub(super) fn add(&mut self, name: &str, schema: &Value) -> Value {
        let place = format!("#/$defs/{}", step(name));
        let mut schema = schema.clone();
        if let Some(keys) = schema.as_object_mut() {
            // This is for a whole document.
            keys.remove("$schema");
            if !keys.contains_key("$id") {
                move_references(&mut schema, &place);
            }
        }
        self.0.insert(name.to_owned(), schema);
        json!({ "$ref": place })
    }
}

/// Puts `place` before all references to parts of the same document.
fn move_references(value: &mut Value, place: &str) {
    match value {
        Value::Object(keys) => {
            for (key, value) in keys {
                match value {
                    Value::String(target) if key == "$ref" => {
                        let pointer = target.strip_prefix('#');
                        // Others are names (`$anchor`), which stay valid.
                        let is_pointer = |it: &&str| it.is_empty() || it.starts_with('/');
                        if let Some(pointer) = pointer.filter(is_pointer) {
                            *target = format!("{place}{pointer}");
                        }
                    }
                    value => move_references(value, place),
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                move_references(item, place);
            }
        }
        _ => {}
    }
}

/// A key as a step of a JSON pointer in a URI fragment (RFC 6901 section 6).
fn step(key: &str) -> String {
    let mut step = String::with_capacity(key.len());
    for octet in key.replace('~', "~0").replace('/', "~1").bytes() {
        match octet {
            _ if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) => {
                step.push(octet.into());
            }
            // Writing to a string does not fail.
            _ => _ = write!(step, "%{octet:02X}"),
        }
    }
    step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_lead_to_the_same_parts_as_before() {
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "properties": {
                "mode": { "$ref": "#/$defs/Mode" },
                "next": { "anyOf": [{ "$ref": "#" }, { "type": "null" }] },
                "named": { "$ref": "#name" },
                "elsewhere": { "$ref": "https://example.com/a.json#/b" },
                "$ref": { "type": "string" },
            },
            "$defs": { "Mode": { "$anchor": "name" } },
        });
        let mut definitions = Map::new();
        let reference = Definitions(&mut definitions).add("filter.a/b ü", &schema);
        let place = "#/$defs/filter.a~1b%20%C3%BC";
        assert_eq!(reference, json!({ "$ref": place }));
        let moved = json!({
            "properties": {
                "mode": { "$ref": format!("{place}/$defs/Mode") },
                "next": { "anyOf": [{ "$ref": place }, { "type": "null" }] },
                "named": { "$ref": "#name" },
                "elsewhere": { "$ref": "https://example.com/a.json#/b" },
                "$ref": { "type": "string" },
            },
            "$defs": { "Mode": { "$anchor": "name" } },
        });
        assert_eq!(definitions["filter.a/b ü"], moved);
    }

    #[test]
    fn a_schema_with_an_identifier_stays_as_it_is() {
        let schema = json!({ "$id": "https://example.com/a.json", "items": { "$ref": "#" } });
        let mut definitions = Map::new();
        Definitions(&mut definitions).add("a", &schema);
        assert_eq!(definitions["a"], schema);
    }

    #[test]
    fn a_schema_may_be_a_truth_value() {
        let mut definitions = Map::new();
        let reference = Definitions(&mut definitions).add("a", &Value::Bool(true));
        assert_eq!(reference, json!({ "$ref": "#/$defs/a" }));
        assert_eq!(definitions["a"], true);
    }
}
