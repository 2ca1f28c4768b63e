//! Header fields as JSON.

use serde_json::{Value, json};

use super::{
    address, charset, date, encoded_word,
    entity::Field,
    ids,
    parameters::{self, WithParameters},
};

/// The maximum length of a structured value, in octets.
const MAX_STRUCTURED: usize = 256 << 10;

impl Field {
    /// The value on one line, before encoded words are decoded.
    pub(super) fn line(&self) -> String {
        let escaped = encoded_word::escape(&self.value);
        charset::one_line(&charset::decode(None, &escaped))
    }

    /// The value, read as one with parameters.
    pub(super) fn with_parameters(&self) -> WithParameters {
        if self.value.len() > MAX_STRUCTURED {
            return WithParameters::default();
        }
        let mut parsed = parameters::parse(&self.line());
        if std::str::from_utf8(&self.value).is_err()
            && let Some(boundary) = parsed.parameter("boundary")
        {
            // The delimiters contain the octets that were read as windows-1252.
            let octets = charset::to_windows_1252(boundary);
            parsed.other_boundary(octets);
        }
        parsed
    }

    /// `[name, value]`.
    pub(super) fn to_json(&self) -> Value {
        json!([self.name, value(&self.name, &self.line())])
    }
}

fn value(name: &str, line: &str) -> Value {
    let structured = match name {
        _ if line.len() > MAX_STRUCTURED => None,
        "from" | "to" | "cc" | "bcc" | "reply-to" | "sender" => addresses(line),
        "message-id" | "in-reply-to" | "references" => ids(line, name),
        "date" => date(line),
        "content-type" | "content-disposition" => with_parameters(line),
        _ => None,
    };
    structured.unwrap_or_else(|| charset::one_line(&encoded_word::decode(line)).into())
}

fn addresses(line: &str) -> Option<Value> {
    let list = address::parse(line);
    let is_list = match list.is_empty() {
        // An empty group, such as "undisclosed-recipients:;", is an empty list.
        true => line.contains(':'),
        false => list.iter().any(|addressee| !addressee.address.is_empty()),
    };
    is_list.then(|| {
        let list = list.into_iter();
        list.map(|addressee| match addressee.display_name {
            Some(name) => json!({"display_name": name, "address": addressee.address}),
            None => json!({"address": addressee.address}),
        })
        .collect()
    })
}

fn ids(line: &str, name: &str) -> Option<Value> {
    let ids = ids::parse(line, name == "message-id");
    (!ids.is_empty()).then(|| ids.into())
}

/// A date as the builder accepts it.
pub(super) fn date(line: &str) -> Option<Value> {
    let moment = date::parse(line)?;
    Some(json!({"unix_secs": moment.unix_secs, "tz_offset": moment.tz_offset}))
}

fn with_parameters(line: &str) -> Option<Value> {
    let parsed = parameters::parse(line);
    (!parsed.value.is_empty()).then(|| json!([parsed.value, parsed.parameters]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structured_fields_are_parsed_and_others_are_text() {
        for (name, line, expected) in [
            (
                "to",
                "A <a@x>",
                json!([{"display_name": "A", "address": "a@x"}]),
            ),
            ("to", "undisclosed:;", json!([])),
            (
                "to",
                "undisclosed recipients",
                json!("undisclosed recipients"),
            ),
            ("to", "", json!("")),
            ("message-id", "<a@b>", json!(["a@b"])),
            ("references", "<a@b> (c) <d@e>", json!(["a@b", "d@e"])),
            ("in-reply-to", "a@b", json!(["a@b"])),
            (
                "in-reply-to",
                "Your message of Monday",
                json!("Your message of Monday"),
            ),
            (
                "date",
                "Wed, 6 Mar 2024 10:42:31 -0800",
                json!({"unix_secs": 1_709_750_551, "tz_offset": -28_800}),
            ),
            ("date", "yesterday", json!("yesterday")),
            (
                "content-type",
                "Text/Plain; charset=x",
                json!(["text/plain", {"charset": "x"}]),
            ),
            ("subject", "=?utf-8?q?=0D=0ABcc=3A_x?=", json!("Bcc: x")),
            ("x-other", "<a@x>", json!("<a@x>")),
        ] {
            assert_eq!(value(name, line), expected, "{name}: {line}");
        }
    }
}
