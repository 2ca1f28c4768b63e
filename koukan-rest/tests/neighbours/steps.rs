//! The recorded conversations.

use std::{collections::HashMap, fs, path::Path};

use serde_json::Value;

/// The token that gateway and router used with each other.
pub(crate) const TOKEN: &str = "a-token-of-the-fixtures";
/// Its SHA-256.
pub(crate) const TOKEN_HASH: &str =
    "c882fa87ff3291fa79588becc4104f3f96c9baff828c3c8ebf76836103fa5057";
/// The message that was sent.
pub(crate) const MESSAGE: &str = "From: alice@example.org\r\nSubject: hi\r\n\r\nhello\r\n";

/// A step: a request or an answer, with its position.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Asked(Asked),
    Told(Told),
}

#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) number: u64,
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) content: Value,
}

#[derive(Debug, Clone)]
pub(crate) struct Told {
    /// The number of the request.
    pub(crate) number: u64,
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) content: Value,
}

impl Asked {
    /// Whether the request changes something.
    pub(crate) fn changes(&self) -> bool {
        self.method != "GET"
    }
}

/// The steps of a conversation, as in `one.gateway-to-router`.
pub(crate) fn recorded(name: &str) -> Vec<Step> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/neighbours/before");
    let text = fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
    let steps: Vec<Value> = serde_json::from_str(&text).unwrap();
    steps.into_iter().map(step).collect()
}

fn step(step: Value) -> Step {
    let text = |name: &str| step[name].as_str().unwrap().to_owned();
    let headers = serde_json::from_value(step["headers"].clone()).unwrap();
    let content = step["content"].clone();
    match step["request"].as_u64() {
        Some(number) => Step::Asked(Asked {
            number,
            method: text("method"),
            target: text("target"),
            headers,
            content,
        }),
        None => Step::Told(Told {
            number: step["answer"].as_u64().unwrap(),
            status: step["status"].as_u64().unwrap().try_into().unwrap(),
            headers,
            content,
        }),
    }
}

/// The content of a request, as it is sent.
pub(crate) fn octets(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        json => json.to_string(),
    }
}
