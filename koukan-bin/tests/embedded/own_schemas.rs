//! The schema of an agent describes an embedder's parts whose schemas are given.

use koukan::{Koukan, config::Config};
use koukan_core::test_util::Script;
use schemars::{JsonSchema, schema_for};
use serde::Deserialize;
use serde_json::{Value, json};
use tower::layer::util::Identity;

use crate::config;

/// How a message is marked.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct Mark {
    /// The colour of the mark.
    colour: String,
    mode: Mode,
    /// The next mark.
    then: Option<Box<Mark>>,
}

/// There is a type of that name in the agent's own configuration too.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Mode {
    Dotted,
    Dashed,
}

/// Adds all references to nothing within `part`.
fn dangling(schema: &Value, part: &Value, found: &mut Vec<String>) {
    match part {
        Value::Object(keys) => {
            if let Some(Value::String(target)) = keys.get("$ref") {
                let pointer = target.strip_prefix('#');
                if pointer.and_then(|it| schema.pointer(it)).is_none() {
                    found.push(target.clone());
                }
            }
            keys.values()
                .for_each(|value| dangling(schema, value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| dangling(schema, item, found)),
        _ => {}
    }
}

/// What a reference leads to.
fn target<'a>(schema: &'a Value, reference: &Value) -> &'a Value {
    let pointer = reference["$ref"].as_str().unwrap().strip_prefix('#');
    schema.pointer(pointer.unwrap()).unwrap()
}

#[test]
fn an_own_part_is_described_by_the_schema_that_is_given_with_it() {
    let mailbox = json!({ "properties": { "user": { "type": "string" } } });
    let agent = Koukan::builder()
        // Before or after what they describe.
        .filter_schema("mark", schema_for!(Mark))
        .filter("mark", |_: Mark| Identity::new())
        .filter("plain", |_: Mark| Identity::new())
        .filter_schema("nowhere", schema_for!(Mark))
        .endpoint("mailbox", |_: Value| Script::new())
        .endpoint_schema("mailbox", mailbox.clone());
    let plain = Config::json_schema();
    let schema = Config::json_schema_with(agent.registry());

    let filters = &schema["$defs"]["Filter"]["oneOf"][1]["properties"];
    let mark = &filters["mark"]["anyOf"];
    assert_eq!(mark[1], json!({ "type": "null" }));
    let mark = target(&schema, &mark[0]);
    assert_eq!(mark["description"], "How a message is marked.");
    assert_eq!(
        mark["properties"]["colour"]["description"],
        "The colour of the mark."
    );
    assert_eq!(mark["additionalProperties"], false);
    let mode = target(&schema, &mark["properties"]["mode"]);
    assert!(mode.to_string().contains("dashed"), "{mode}");
    assert_eq!(filters["plain"], true);
    assert!(filters["nowhere"].is_null());

    let endpoint = schema["$defs"]["Endpoint"]["oneOf"].as_array().unwrap();
    let endpoint = &endpoint.last().unwrap()["properties"]["mailbox"];
    assert_eq!(target(&schema, &endpoint["anyOf"][0]), &mailbox);

    // What the agent itself describes has not changed.
    for (name, described) in plain["$defs"].as_object().unwrap() {
        if !["Filter", "Endpoint"].contains(&&**name) {
            assert_eq!(&schema["$defs"][name], described, "{name}");
        }
    }
    let mut found = Vec::new();
    dangling(&schema, &schema, &mut found);
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn a_schema_for_a_part_that_was_not_added_is_told_of() {
    let agent = |name: &str| {
        let agent = Koukan::builder()
            .filter("mark", |_: Mark| Identity::new())
            .endpoint("mailbox", |_: Value| Script::new())
            .filter_schema(name, schema_for!(Mark));
        let told = agent.config_text("k.yaml", &config("mailbox: {}", ""));
        told.err()
            .map_or_else(String::new, |error| error.to_string())
    };
    assert_eq!(agent("mark"), "");
    for (name, help) in [
        ("marks", "did you mean `mark`?"),
        ("nowhere", "there is `mark`"),
        // That of the agent's own is known already.
        ("router", "there is `mark`"),
    ] {
        let told = agent(name);
        let expected = format!("there is a schema for filter `{name}`, which was not added");
        assert!(told.contains(&expected) && told.contains(help), "{told}");
    }
    let agent = Koukan::builder()
        .endpoint_schema("mailbox", json!({}))
        .router_rule_schema("lookup", json!({}));
    let told = agent.config_text("k.yaml", &config("smtp: {}", ""));
    let told = told.err().unwrap().to_string();
    for expected in [
        "for endpoint `mailbox`",
        "there is no endpoint at all",
        "for router rule `lookup`",
        "there is no router rule at all",
    ] {
        assert!(told.contains(expected), "{told}");
    }
}
