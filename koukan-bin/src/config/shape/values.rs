//! Single values: what is wrong with one, in the words of the YAML reader, which [`plain`](super::super::words::plain)
//! translates.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::super::{ByteSize, HumanDuration, KeepTime, MessageRate, node::Node};

pub(super) const NO_MAPPING: &str = "expected mapping start";
pub(super) const NOTHING: &str = "cannot deserialize null into a value";
const NO_LIST: &str = "expected sequence start";
const NO_SINGLE_VALUE: &str = "expected string scalar";
const NO_BOOLEAN: &str = "invalid boolean";

/// The words that a YAML reader takes for a truth value.
const BOOLEANS: [&str; 8] = ["true", "false", "yes", "no", "on", "off", "y", "n"];

/// Whether the schema allows a value of that type.
pub(super) fn may_be(schema: &Value, kind: &str) -> bool {
    match &schema["type"] {
        Value::String(only) => only == kind,
        Value::Array(all) => all.iter().any(|one| one == kind),
        _ => false,
    }
}

/// What is wrong with a value whose schema is a type, if the value is not of that type.
pub(super) fn wrong(schema: &Value, node: &Node) -> Option<String> {
    let is = |kind| may_be(schema, kind);
    if schema["type"].is_null() || (node.is_nothing() && is("null")) {
        return None;
    }
    if is("object") {
        return Some(NO_MAPPING.into());
    }
    if is("array") {
        return Some(NO_LIST.into());
    }
    let Node::Scalar(value) = node else {
        return Some(NO_SINGLE_VALUE.into());
    };
    match value {
        Value::Null => Some(NOTHING.into()),
        value if is("boolean") => (!is_boolean(value)).then(|| NO_BOOLEAN.into()),
        value if is("integer") => wrong_number(schema, value),
        _ => None,
    }
}

fn is_boolean(value: &Value) -> bool {
    let is_word = |text: &str| BOOLEANS.iter().any(|word| text.eq_ignore_ascii_case(word));
    value.is_boolean() || value.as_str().is_some_and(is_word)
}

fn wrong_number(schema: &Value, value: &Value) -> Option<String> {
    let least = schema["minimum"].as_i64();
    let is_wrong = match value {
        Value::Number(number) => match number.as_i64() {
            Some(number) => least.is_some_and(|least| number < least),
            // A number above the greatest of this type is still one.
            None => !number.is_u64(),
        },
        // Numbers may be written in several ways, all with digits.
        Value::String(text) => !text.contains(|c: char| c.is_ascii_digit()),
        _ => true,
    };
    is_wrong.then(|| match (least, value) {
        (Some(1), Value::Number(number)) => {
            format!("invalid value: integer `{number}`, expected a nonzero usize")
        }
        (Some(_), _) => "invalid u64".into(),
        (None, _) => "invalid i64".into(),
    })
}

/// What is wrong with a value that must be one of these words.
pub(super) fn wrong_word(words: &[&str], node: &Node) -> Option<String> {
    match node {
        Node::Scalar(Value::Null) => Some(NOTHING.into()),
        Node::Scalar(Value::String(word)) => {
            let is_known = words.contains(&word.as_str());
            (!is_known).then(|| unknown("variant", word, words.iter().copied()))
        }
        // `~`, or a number: the reader knows how it is meant.
        Node::Scalar(_) => None,
        Node::List(_) | Node::Mapping(_) => Some(NO_SINGLE_VALUE.into()),
    }
}

/// The message for a name that is none of these.
pub(super) fn unknown<'n>(
    what: &str,
    name: &str,
    known: impl IntoIterator<Item = &'n str>,
) -> String {
    let known: Vec<_> = known.into_iter().map(|name| format!("`{name}`")).collect();
    match &*known {
        [] => format!("unknown {what} `{name}`, there are none"),
        _ => format!(
            "unknown {what} `{name}`, expected one of {}",
            known.join(", ")
        ),
    }
}

/// Whether the definition with that name is of a text that can be checked.
pub(super) fn is_text(name: &str) -> bool {
    read(name, &Value::Null).is_some()
}

/// What is wrong with a value that must be a text of that definition.
pub(super) fn wrong_text(name: &str, node: &Node) -> Option<String> {
    let text = match node {
        Node::Scalar(Value::Null) => return Some(NOTHING.into()),
        Node::Scalar(Value::String(text)) => text.clone(),
        Node::Scalar(value) => value.to_string(),
        Node::List(_) | Node::Mapping(_) => return Some(NO_SINGLE_VALUE.into()),
    };
    read(name, &text.into())?.err()
}

/// Reads a text of that definition, if it is one of these.
fn read(name: &str, text: &Value) -> Option<Result<(), String>> {
    fn of<T: JsonSchema + DeserializeOwned>(
        name: &str,
        text: &Value,
    ) -> Option<Result<(), String>> {
        let read = || T::deserialize(text).map(drop);
        (T::schema_name() == name).then(|| read().map_err(|error| error.to_string()))
    }

    of::<HumanDuration>(name, text)
        .or_else(|| of::<KeepTime>(name, text))
        .or_else(|| of::<ByteSize>(name, text))
        .or_else(|| of::<MessageRate>(name, text))
}

/// The first sentence of a description, to go on with after a comma.
pub(super) fn summary(schema: &Value) -> Option<String> {
    let described = schema["description"].as_str()?.replace('\n', " ");
    let described = described.split(". ").next()?.trim_end_matches('.');
    let mut letters = described.chars();
    let first = letters.next()?;
    // An abbreviation keeps its capitals.
    let is_word = letters
        .clone()
        .next()
        .is_none_or(|second| !second.is_uppercase());
    let first = if is_word {
        first.to_ascii_lowercase()
    } else {
        first
    };
    Some(format!("{first}{}", letters.as_str()))
}
