//! The properties of the document that generators of clients need.

use std::collections::BTreeMap;

use koukan_rest::schema::openapi;
use serde_json::{Map, Value, json};

/// Calls `seen` for each object within a value, with its path.
fn each(value: &Value, place: &str, seen: &mut impl FnMut(&str, &Map<String, Value>)) {
    match value {
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                each(value, &format!("{place}/{index}"), seen);
            }
        }
        Value::Object(map) => {
            seen(place, map);
            for (key, value) in map {
                each(value, &format!("{place}/{key}"), seen);
            }
        }
        _ => {}
    }
}

fn each_schema(seen: &mut impl FnMut(&str, &Map<String, Value>)) {
    each(&openapi()["components"]["schemas"], "", seen);
}

/// Each operation, with its name.
fn operations() -> Vec<(String, Value)> {
    let document = openapi();
    let paths = document["paths"].as_object().unwrap().values();
    let operations = paths.flat_map(|path| path.as_object().unwrap().values());
    operations
        .map(|operation| {
            let name = operation["operationId"].as_str().unwrap();
            (name.to_owned(), operation.clone())
        })
        .collect()
}

#[test]
fn schemas_and_their_choices_have_titles() {
    let document = openapi();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        assert!(schema["title"].is_string(), "{name}");
    }
    let mut titles = BTreeMap::new();
    each_schema(&mut |place, schema| {
        let choices = ["oneOf", "anyOf", "allOf"]
            .iter()
            .filter_map(|key| schema.get(*key)?.as_array());
        for choice in choices.flatten() {
            if choice.get("$ref").is_none() {
                let title = choice["title"].as_str();
                let title = title.unwrap_or_else(|| panic!("{place}: {choice}"));
                let same = titles.entry(title.to_owned()).or_insert(choice.clone());
                assert_eq!(same, choice, "{place}");
            }
        }
    });
    assert!(!titles.is_empty());
}

#[test]
fn the_elements_of_a_list_of_fixed_length_are_described_for_all_generators() {
    let mut found = 0;
    each_schema(&mut |place, schema| {
        assert!(
            schema.get("items").is_none_or(Value::is_object),
            "{place}: {schema:?}"
        );
        if let Some(elements) = schema.get("prefixItems") {
            found += 1;
            let length = elements.as_array().unwrap().len();
            assert_eq!(schema["maxItems"], length, "{place}");
            let choices = schema["items"]["anyOf"].as_array().unwrap();
            assert_eq!(choices.len(), length, "{place}");
        }
    });
    assert!(found >= 3);
}

#[test]
fn uploads_are_octets() {
    for (name, operation) in operations() {
        if name.starts_with("upload") {
            let content = operation["requestBody"]["content"].as_object().unwrap();
            let schema = json!({"type": "string", "format": "binary"});
            assert_eq!(content["application/octet-stream"]["schema"], schema);
            assert_eq!(content.len(), 1);
        }
    }
}

#[test]
fn operations_are_told_of_in_words_and_groups() {
    let document = openapi();
    let tags = document["tags"].as_array().unwrap();
    let tags: Vec<_> = tags.iter().map(|tag| tag["name"].clone()).collect();
    let operations = operations();
    assert!(!operations.is_empty());
    for (name, operation) in operations {
        assert!(operation["summary"].is_string(), "{name}");
        assert!(operation["description"].is_string(), "{name}");
        let [tag] = &operation["tags"].as_array().unwrap()[..] else {
            panic!("{name}: not one tag");
        };
        assert!(tags.contains(tag), "{name}: {tag}");
    }
    assert_eq!(document["servers"], json!([{"url": "/"}]));
}
