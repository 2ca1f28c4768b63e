//! Parses JSON documents with a bound on the memory that they take.
//!
//! A parsed value takes 32 octets of memory or more, and an object some hundred, but two octets of
//! text can be a value. So the values are counted before they are parsed.

use serde_json::Value;

/// The most values in a document, unless the caller sets another limit: some megabytes of memory.
pub(crate) const VALUES_MAX: usize = 50_000;

/// Why octets are not accepted as a document.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidJson {
    /// The document has too many values.
    #[error("has more than {0} values, members and elements counted")]
    TooManyValues(usize),
    /// The octets are not JSON.
    #[error("is not JSON: {0}")]
    Syntax(serde_json::Error),
}

/// Parses a document of at most `max` values.
pub(crate) fn parse(octets: &[u8], max: usize) -> Result<Value, InvalidJson> {
    // Each value after the first takes at least one octet of text.
    let may_have_more = octets.len() >= max;
    if may_have_more && !has_values(octets, max) {
        return Err(InvalidJson::TooManyValues(max));
    }
    serde_json::from_slice(octets).map_err(InvalidJson::Syntax)
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
}
