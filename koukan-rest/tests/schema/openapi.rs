//! The OpenAPI document.

use std::{collections::BTreeSet, env, fs, path::PathBuf};

use koukan_core::{
    context::Sender,
    path::ForwardPath,
    reply::Reply,
    resource::{
        Details, ListedTransaction, Location, MessageView, RecipientState, RecipientView, Refusal,
        Version,
    },
    transaction::Rcpt,
};
use koukan_rest::schema::{
    append_from_json, create_from_json, full_view_to_json, message_from_json, message_to_json,
    openapi, problem, view_from_json,
};
use serde_json::{Value, json};

/// The fields of an object among the schemas.
fn properties(document: &Value, schema: &str) -> BTreeSet<String> {
    let schema = &document["components"]["schemas"][schema];
    let properties = schema["properties"].as_object().unwrap();
    properties.keys().cloned().collect()
}

fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| references(value, found)),
        Value::Object(map) => {
            found.extend(map.get("$ref").and_then(Value::as_str));
            map.values().for_each(|value| references(value, found));
        }
        _ => {}
    }
}

#[test]
fn the_document_is_the_one_that_is_published() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    let document = serde_json::to_string_pretty(&openapi()).unwrap() + "\n";
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &document).unwrap();
    }
    let published = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        document == published,
        "docs/openapi.json is not what the types say: run the tests with UPDATE_GOLDEN=1"
    );
}

#[test]
fn every_reference_leads_somewhere() {
    let document = openapi();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(found.len() > 40);
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn every_route_is_there() {
    let document = openapi();
    for (method, path) in [
        ("post", "/senders/{sender}/transactions"),
        ("get", "/senders/{sender}/transactions"),
        ("post", "/senders/{sender}/messages"),
        ("post", "/senders/{sender}/messages/batch"),
        ("get", "/messages/{message_id}"),
        ("post", "/messages/{message_id}/cancel"),
        ("get", "/transactions/{id}"),
        ("patch", "/transactions/{id}"),
        ("put", "/transactions/{id}/body"),
        ("put", "/transactions/{id}/blob/{blob_id}"),
        ("post", "/transactions/{id}/message_builder"),
        ("put", "/transactions/{id}/message_builder"),
        ("post", "/transactions/{id}/cancel"),
        ("get", "/queue"),
        ("get", "/queue/{id}"),
        ("get", "/queue/{id}/message"),
        ("post", "/queue/{id}/retry"),
        ("post", "/queue/bounce"),
        ("get", "/destinations"),
        ("get", "/destinations/{name}"),
        ("post", "/destinations/{name}/suspend"),
        ("get", "/openapi.json"),
        ("get", "/healthz"),
        ("get", "/readyz"),
    ] {
        let operation = &document["paths"][path][method];
        assert!(operation["operationId"].is_string(), "{method} {path}");
    }
}

#[test]
fn operations_have_names_of_their_own() {
    let document = openapi();
    let paths = document["paths"].as_object().unwrap().values();
    let operations = paths.flat_map(|path| path.as_object().unwrap().values());
    let names: Vec<_> = operations
        .map(|operation| operation["operationId"].as_str().unwrap())
        .collect();
    let distinct: BTreeSet<_> = names.iter().collect();
    assert_eq!(distinct.len(), names.len());
}

#[test]
fn every_parameter_of_a_path_is_told() {
    let document = openapi();
    for (path, item) in document["paths"].as_object().unwrap() {
        for operation in item.as_object().unwrap().values() {
            for name in path.split(['{', '}']).skip(1).step_by(2) {
                let wanted = json!({"$ref": format!("#/components/parameters/{name}")});
                let parameters = operation["parameters"].as_array().unwrap();
                assert!(parameters.contains(&wanted), "{path}");
            }
        }
    }
}

#[test]
fn the_fields_of_a_create_are_those_that_are_read() {
    let refusal = |value: &Value| create_from_json(value, "submission").unwrap_err();
    are_known(&properties(&openapi(), "Create"), refusal);
}

#[test]
fn the_fields_of_a_patch_are_those_that_are_read() {
    are_known(&properties(&openapi(), "Append"), |value| {
        append_from_json(value).unwrap_err()
    });
}

#[test]
fn the_fields_of_a_message_are_those_that_are_read() {
    let document = openapi();
    for field in properties(&document, "NewMessage")
        .iter()
        .chain(&properties(&document, "Create"))
    {
        let refusal = message_from_json(&json!({field: {"x": null}}), "submission").unwrap_err();
        let is_known = !refusal.detail.contains("is not a field of a message");
        let is_told = properties(&document, "NewMessage").contains(field);
        assert_eq!(is_known, is_told, "{refusal}");
    }
}

fn are_known(fields: &BTreeSet<String>, refusal: impl Fn(&Value) -> Refusal) {
    let candidates = ["Create", "Append", "Transaction"];
    let document = openapi();
    let candidates = candidates.map(|schema| properties(&document, schema));
    for field in candidates.iter().flatten() {
        let refusal = refusal(&json!({field: null}));
        let is_known = refusal.detail.contains("not null");
        assert_eq!(is_known, fields.contains(field), "{refusal}");
    }
}

#[test]
fn the_fields_of_a_transaction_are_those_that_are_written() {
    let reply = json!({"code": 250, "message": "2.0.0 ok"});
    let blob = json!({"uri": "/b", "finalized": true});
    let view = view_from_json(&json!({
        "remote_host": ["a", 1], "local_host": ["b", 2],
        "sender": {}, "mail_from": {}, "rcpt_to": [{}], "retry": {}, "notification": {},
        "mail_response": reply, "rcpt_response": [reply], "data_response": reply,
        "attempt_count": 1, "final_attempt_reason": "x", "cancelled": true,
        "filter_output": {"x": 1},
        "body": {
            "blob_status": blob,
            "message_builder": {"uri": "/m", "blob_status": {"a": blob}},
        },
    }));
    let mut view = view.unwrap();
    view.details = Some(Box::new(Details {
        location: Location::of_transaction("T"),
        created: jiff::Timestamp::UNIX_EPOCH,
        sender: Sender::new("app"),
        mail_from: None,
        recipients: vec![RecipientView {
            rcpt: Rcpt::new("bob@example.com".parse::<ForwardPath>().unwrap()),
            state: RecipientState::Failed,
            reply: Some(Reply::no_such_user()),
        }],
        next_attempt: Some(jiff::Timestamp::UNIX_EPOCH),
        send_at: Some(jiff::Timestamp::UNIX_EPOCH),
    }));
    let written = full_view_to_json(&view, Location::to_string);
    let message = MessageView {
        id: "01arz3ndektsv4rrffq69g5fav-1".parse().unwrap(),
        transactions: vec![ListedTransaction {
            location: Location::of_transaction("T"),
            created: jiff::Timestamp::UNIX_EPOCH,
            view: Box::new(view),
        }],
        version: Version::new("1"),
    };
    let message = message_to_json(&message, Location::to_string);
    let shown = &message["recipients"][0];
    assert_eq!(shown["transaction"], "/transactions/T");
    assert_eq!(shown["state"], "failed");
    assert_eq!(message["transactions"][0]["uri"], "/transactions/T");
    let document = openapi();
    for (schema, value) in [
        ("Transaction", &written),
        ("BodyStatus", &written["body"]),
        ("BlobStatus", &written["body"]["blob_status"]),
        ("BuilderStatus", &written["body"]["message_builder"]),
        ("Response", &written["mail_response"]),
        ("Recipient", &written["recipients"][0]),
        ("RecipientReply", &written["recipients"][0]["reply"]),
        ("Message", &message),
    ] {
        let fields = value.as_object().unwrap().keys().cloned().collect();
        assert_eq!(properties(&document, schema), fields, "{schema}");
    }
}

#[test]
fn problems_have_the_fields_that_are_written() {
    let problem = problem::to_json(&Refusal::malformed("x").at("y"));
    let fields = problem.as_object().unwrap().keys().cloned().collect();
    assert_eq!(properties(&openapi(), "Problem"), fields);
}
