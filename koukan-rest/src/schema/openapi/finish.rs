//! Completes the document for generators of clients and linters, beyond what the types provide.
//!
//! - The elements of a list of fixed length become schemas of their own. They are also listed as
//!   what each element may be, since not all generators read the description of each position.
//! - Schemas and their alternatives get titles, so that generated types have names.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Completes a document.
pub(super) fn finish(document: &mut Value) {
    let schemas = document["components"]["schemas"].as_object_mut();
    let Some(schemas) = schemas else { return };
    let mut elements = Elements::new();
    for (name, schema) in schemas.iter_mut() {
        if let Value::Object(schema) = schema {
            schema.entry("title").or_insert_with(|| json!(name));
            complete(name, schema, &mut elements);
        }
    }
    for (name, schema) in elements {
        schemas.entry(name).or_insert(schema);
    }
}

/// The elements of lists of fixed length, by name.
type Elements = BTreeMap<String, Value>;

/// Completes a schema, and those within it.
fn complete(name: &str, schema: &mut Map<String, Value>, elements: &mut Elements) {
    for (key, value) in schema.iter_mut() {
        match value {
            Value::Array(inner) => {
                let inner = inner.iter_mut().filter_map(Value::as_object_mut);
                let is_choice = matches!(&**key, "oneOf" | "anyOf" | "allOf" | "prefixItems");
                for schema in inner {
                    let name = if is_choice {
                        &title(name, schema)
                    } else {
                        name
                    };
                    complete(name, schema, elements);
                }
            }
            Value::Object(inner) => complete(name, inner, elements),
            _ => {}
        }
    }
    if let Some(Value::Array(list)) = schema.get_mut("prefixItems") {
        for element in &mut *list {
            if let Some(name) = element.get("title").and_then(Value::as_str) {
                let reference = json!({"$ref": format!("#/components/schemas/{name}")});
                elements.insert(name.to_owned(), std::mem::replace(element, reference));
            }
        }
        let list = list.clone();
        schema.insert("maxItems".into(), json!(list.len()));
        schema.insert("items".into(), json!({"anyOf": list}));
    }
}

/// The title of an alternative or element within the schema of that name. A title is added unless
/// the schema is a reference: its target has a title of its own.
fn title(name: &str, schema: &mut Map<String, Value>) -> String {
    if let Some(title) = schema.get("title").and_then(Value::as_str) {
        return title.to_owned();
    }
    let title = format!("{name}{}", kind(schema));
    if !schema.contains_key("$ref") {
        schema.insert("title".into(), json!(title));
    }
    title
}

/// A word for a schema, as part of a name: its only field, or its type.
fn kind(schema: &Map<String, Value>) -> String {
    let only =
        |fields: &Map<String, Value>| (fields.len() == 1).then(|| fields.keys().next().cloned());
    let fields = schema.get("properties").and_then(Value::as_object);
    if let Some(Some(field)) = fields.and_then(only) {
        return field.split('_').map(capitalized).collect();
    }
    let of = schema.get("items").and_then(|items| {
        let name = items.get("$ref").or_else(|| items.get("type"))?.as_str()?;
        name.rsplit('/').next()
    });
    let kind = schema.get("type").and_then(Value::as_str);
    format!(
        "{}{}",
        capitalized(of.unwrap_or_default()),
        capitalized(kind.unwrap_or("choice"))
    )
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
