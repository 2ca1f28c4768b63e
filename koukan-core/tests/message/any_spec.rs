//! Specs of all kinds, with hostile texts.

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Map, Value, json};

use super::Blobs;

/// Texts without control characters, some of which look like something else.
pub(crate) fn any_line() -> BoxedStrategy<String> {
    let hostile = select(vec![
        "=?utf-8?q?=0D=0ABcc:_x@y?=",
        "=?",
        "\"",
        "\\",
        "<a@b>",
        ", ",
        "  ",
        "(c)",
        "--=_",
        "ü",
        "日本語",
        "🙂",
        "a@b.example",
        ";",
        "From ",
        "=?utf-8?b?w7w=?=",
        "'",
        "%41",
    ]);
    let piece = prop_oneof![
        3 => "[ -~]{0,20}".boxed(),
        2 => "\\PC{0,20}".boxed(),
        3 => hostile.prop_map(str::to_owned),
        1 => "[a-z]{70,300}".boxed(),
        1 => "([a-zé]{1,9} ){1,40}".boxed(),
    ];
    let line = vec(piece, 0..6).prop_map(|pieces| pieces.concat());
    line.prop_filter("no control characters", |line| {
        !line.chars().any(char::is_control)
    })
    .prop_map(|line| line.chars().take(500).collect())
    .boxed()
}

/// Texts whose lines end with CRLF, with any content.
pub(crate) fn any_text() -> BoxedStrategy<String> {
    let line = prop_oneof![
        3 => any_line(),
        1 => "[\\x00-\\x09\\x0b\\x0c\\x0e-\\x7f]{0,30}".boxed(),
        1 => ".{0,1200}".boxed(),
        1 => select(vec!["From me", ".", "..", "--", "--=_0123.1", "trailing \t", "-- "])
            .prop_map(str::to_owned),
    ];
    let line = line.prop_map(|line| line.replace(['\r', '\n'], ""));
    vec(line, 0..8).prop_map(|lines| lines.join("\r\n")).boxed()
}

pub(crate) fn any_address() -> BoxedStrategy<Value> {
    let address = select(vec![
        "alice@example.com",
        "\"a b\\\"c\"@example.com",
        "a+b@[192.0.2.1]",
        "o'neil@sub.example.com",
        "jürgen@例え.jp",
        "x@y",
    ]);
    (option::of(any_line()), address)
        .prop_map(|(name, address)| match name {
            Some(name) => json!({"display_name": name, "address": address}),
            None => json!({"address": address}),
        })
        .boxed()
}

fn any_header() -> impl Strategy<Value = Value> {
    let id = "[!-;=?-~]{1,80}";
    prop_oneof![
        (
            select(vec!["from", "to", "CC", "reply-to", "bcc"]),
            vec(any_address(), 1..5)
        )
            .prop_map(|(name, addresses)| json!([name, addresses])),
        any_address().prop_map(|address| json!(["sender", [address]])),
        any_line().prop_map(|line| json!(["subject", line])),
        ("x-[a-z0-9-]{1,60}", any_line()).prop_map(|(name, line)| json!([name, line])),
        (-2_000_000_000_i64..30_000_000_000, -1400_i64..1400).prop_map(
            |(secs, minutes)| json!(["date", {"unix_secs": secs, "tz_offset": minutes * 60}])
        ),
        (select(vec!["references", "in-reply-to"]), vec(id, 1..9))
            .prop_map(|(name, ids)| json!([name, ids])),
        id.prop_map(|id| json!(["message-id", [id]])),
    ]
}

/// A part, and the octets of its blob.
type AnyPart = (Map<String, Value>, Option<Vec<u8>>);

fn any_part(types: Vec<&'static str>) -> BoxedStrategy<AnyPart> {
    let octets = vec(any::<u8>(), 0..400);
    let content = prop_oneof![any_text().prop_map(Ok), octets.prop_map(Err),];
    (
        select(types),
        option::of(any_line()),
        option::of("[a-z]{1,9}@[a-z]{1,60}"),
        content,
    )
        .prop_map(|(content_type, filename, content_id, content)| {
            let mut part = Map::new();
            part.insert("content_type".into(), content_type.into());
            if let Some(name) = filename.filter(|name| !name.trim().is_empty()) {
                part.insert("filename".into(), name.trim().into());
            }
            if let Some(id) = content_id {
                part.insert("content_id".into(), id.into());
            }
            match content {
                Ok(text) => {
                    part.insert("content".into(), json!({"inline": text}));
                    (part, None)
                }
                Err(octets) => (part, Some(octets)),
            }
        })
        .boxed()
}

prop_compose! {
    /// A spec and its blobs.
    pub(crate) fn any_spec()(
        headers in vec(any_header(), 0..8),
        texts in vec(any_part(vec!["text/plain", "text/html", "text/x-amp-html", "text/plain; format=flowed"]), 0..4),
        related in vec(any_part(vec!["image/png", "text/css"]), 0..3),
        files in vec(any_part(vec!["application/pdf", "text/csv", "application/json; a=\"b c\""]), 0..4),
    ) -> (Value, Blobs) {
        let mut blobs = Blobs::new();
        let mut json = Map::new();
        let mut once = BTreeMap::new();
        for header in headers {
            once.entry(header[0].as_str().unwrap().to_ascii_lowercase()).or_insert(header);
        }
        json.insert("headers".into(), once.into_values().collect());
        for (key, parts) in [("text_body", texts), ("related_attachments", related), ("file_attachments", files)] {
            let mut values = Vec::new();
            for (mut part, octets) in parts {
                if key == "text_body" {
                    part.remove("filename");
                }
                if let Some(octets) = octets {
                    let id = format!("blob{}", blobs.len());
                    part.insert("content".into(), json!({"create_id": id}));
                    blobs.push((id.into(), Bytes::from(octets)));
                }
                values.push(Value::Object(part));
            }
            json.insert(key.into(), values.into());
        }
        (json.into(), blobs)
    }
}
