//! Parses JSON documents with a bound on the memory that they take.
//!
//! A parsed value takes 32 octets of memory or more, and an object some hundred, but two octets of
//! text can be a value. So the values are counted before they are parsed.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value, map::Entry};

/// The most values in a document, unless the caller sets another limit: some megabytes of memory.
pub(crate) const VALUES_MAX: usize = 50_000;

/// How many characters of a member's name an error shows.
const NAMED_MAX: usize = 64;

/// Why octets are not accepted as a document.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidJson {
    /// The document has too many values.
    #[error("has more than {0} values, members and elements counted")]
    TooManyValues(usize),
    /// The octets are not JSON.
    #[error("is not JSON: {0}")]
    Syntax(serde_json::Error),
    /// An object has a member twice, so that nobody knows which is meant (RFC 8259 section 4).
    #[error("has {0}")]
    Ambiguous(serde_json::Error),
}

/// Parses a document of at most `max` values. Of members with the same name the last one counts.
pub(crate) fn parse(octets: &[u8], max: usize) -> Result<Value, InvalidJson> {
    expect_values(octets, max)?;
    serde_json::from_slice(octets).map_err(InvalidJson::Syntax)
}

/// As [`parse`], for what somebody asks for: no object may have a member twice.
pub(crate) fn parse_request(octets: &[u8], max: usize) -> Result<Value, InvalidJson> {
    expect_values(octets, max)?;
    let parsed = serde_json::from_slice(octets).map(|Unambiguous(value)| value);
    parsed.map_err(|error| match error.is_data() {
        true => InvalidJson::Ambiguous(error),
        false => InvalidJson::Syntax(error),
    })
}

fn expect_values(octets: &[u8], max: usize) -> Result<(), InvalidJson> {
    // Each value after the first takes at least one octet of text.
    let may_have_more = octets.len() >= max;
    if may_have_more && !has_values(octets, max) {
        return Err(InvalidJson::TooManyValues(max));
    }
    Ok(())
}

/// A value in which no object has a member twice.
struct Unambiguous(Value);

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OfAnyType).map(Self)
    }
}

struct OfAnyType;

impl<'de> Visitor<'de> for OfAnyType {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Unambiguous(value)) = elements.next_element()? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let Unambiguous(value) = members.next_value()?;
            match object.entry(name) {
                Entry::Vacant(free) => {
                    free.insert(value);
                }
                Entry::Occupied(first) => {
                    let name: String = first.key().chars().take(NAMED_MAX).collect();
                    return Err(A::Error::custom(format_args!("the member `{name}` twice")));
                }
            }
        }
        Ok(object.into())
    }
}

/// The octets of a document. The buffer's first size is enough for most transactions.
pub(crate) fn octets(value: &Value) -> Vec<u8> {
    let mut octets = Vec::with_capacity(512);
    serde_json::to_writer(&mut octets, value).expect("memory takes what is written");
    octets
}

/// Whether there are at most `max` values. An empty list or object counts twice.
fn has_values(octets: &[u8], max: usize) -> bool {
    let mut values = 1;
    let mut is_text = false;
    let mut is_escaped = false;
    for octet in octets {
        if is_text {
            (is_text, is_escaped) = match octet {
                _ if is_escaped => (true, false),
                b'\\' => (true, true),
                b'"' => (false, false),
                _ => (true, false),
            };
            continue;
        }
        match octet {
            b'"' => is_text = true,
            b'{' | b'[' | b',' => values += 1,
            _ => {}
        }
        if values > max {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_and_texts_are_not_looked_into() {
        for (text, values) in [
            ("1", 1),
            ("[1]", 2),
            ("[1, 2, 3]", 4),
            (r#"{"a": 1}"#, 2),
            (r#"{"a": [1, {"b": 2}], "c": 3}"#, 6),
            (r#"{"a,[{": ",,,[[[{{{"}"#, 2),
            (r#"["\",,,\\", ","]"#, 3),
            (r#"["\\",","]"#, 3),
        ] {
            assert!(has_values(text.as_bytes(), values), "{text}");
            assert!(!has_values(text.as_bytes(), values - 1), "{text}");
            assert!(parse(text.as_bytes(), values).is_ok(), "{text}");
        }
        let broken = parse(b"[1,", 9);
        assert!(matches!(broken, Err(InvalidJson::Syntax(_))));
    }

    #[test]
    fn a_request_has_no_member_twice() {
        for (text, twice) in [
            (r#"{"to": 1, "cc": 2, "to": 1}"#, "to"),
            (r#"[{"a": {"b": [{"c": 1, "\u0063": 2}]}}]"#, "c"),
        ] {
            assert!(parse(text.as_bytes(), 99).is_ok(), "{text}");
            let refused = parse_request(text.as_bytes(), 99).unwrap_err().to_string();
            let expected = format!("has the member `{twice}` twice at line 1");
            assert!(refused.starts_with(&expected), "{refused}");
        }
        for broken in ["", "[1,", "{\"a\": 1e999}", "{} {}"] {
            let refused = parse_request(broken.as_bytes(), 99);
            assert!(matches!(refused, Err(InvalidJson::Syntax(_))), "{broken}");
        }
        let too_many = parse_request(b"[1, 2, 3]", 3);
        assert!(matches!(too_many, Err(InvalidJson::TooManyValues(3))));
    }

    #[test]
    fn any_other_request_is_the_value_that_serde_json_reads() {
        let text = r#"{"a": [null, true, false, 0, -1, 18446744073709551615, 1.5, -0.0, 1e300,
            9223372036854775808, "", "\ud83d\ude00\n"], "": {}, "b": {"a": {"a": []}}}"#;
        let read = parse_request(text.as_bytes(), 99).unwrap();
        assert_eq!(read, parse(text.as_bytes(), 99).unwrap());
        assert!(parse_request("[".repeat(200).as_bytes(), 999).is_err());
    }
}
