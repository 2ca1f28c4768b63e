//! Header fields as JSON.

use mail_parser::DateTime;
use serde_json::{Value, json};

use super::{
    address, charset, encoded_word,
    entity::Field,
    parameters::{self, WithParameters},
};

/// Octets of a field's value that are looked at.
const MAX_VALUE: usize = 64 << 10;

impl Field {
    /// The value in one line, before encoded words are decoded.
    pub(super) fn line(&self) -> String {
        charset::unfold(&self.value[..self.value.len().min(MAX_VALUE)])
    }

    /// The value, taken for one with parameters.
    pub(super) fn with_parameters(&self) -> WithParameters {
        parameters::parse(&self.line())
    }

    /// `[name, value]`.
    pub(super) fn to_json(&self) -> Value {
        json!([self.name, value(&self.name, &self.line())])
    }
}

fn value(name: &str, line: &str) -> Value {
    let structured = match name {
        "from" | "to" | "cc" | "bcc" | "reply-to" | "sender" => addresses(line),
        "message-id" | "in-reply-to" | "references" => ids(line),
        "date" => date(line),
        "content-type" | "content-disposition" => with_parameters(line),
        _ => None,
    };
    structured.unwrap_or_else(|| charset::one_line(&encoded_word::decode(line)).into())
}

fn addresses(line: &str) -> Option<Value> {
    let list = address::parse(line);
    // An empty group, such as "undisclosed-recipients:;", is a list of none.
    let is_list = !list.is_empty() || line.contains(':');
    is_list.then(|| {
        let list = list.into_iter();
        list.map(|addressee| match addressee.display_name {
            Some(name) => json!({"display_name": name, "address": addressee.address}),
            None => json!({"address": addressee.address}),
        })
        .collect()
    })
}

fn ids(line: &str) -> Option<Value> {
    let ids: Vec<String> = match line.contains('<') {
        true => {
            let ids = line.split('<').skip(1);
            let ids = ids.map(|id| id.split('>').next().unwrap_or_default());
            ids.map(|id| id.replace(' ', "")).collect()
        }
        false => line.split(' ').map(str::to_owned).collect(),
    };
    let ids: Vec<_> = ids.into_iter().filter(|id| !id.is_empty()).collect();
    (!ids.is_empty()).then(|| ids.into())
}

fn date(line: &str) -> Option<Value> {
    let date = DateTime::parse_rfc822(&format!("{line}\n")).filter(DateTime::is_valid)?;
    let offset = i64::from(date.tz_hour) * 3600 + i64::from(date.tz_minute) * 60;
    let offset = if date.tz_before_gmt { -offset } else { offset };
    Some(json!({"unix_secs": date.to_timestamp(), "tz_offset": offset}))
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
            ("to", "", json!("")),
            ("message-id", "<a@b>", json!(["a@b"])),
            ("references", "<a@b> (c) <d@e>", json!(["a@b", "d@e"])),
            ("in-reply-to", "a@b", json!(["a@b"])),
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
