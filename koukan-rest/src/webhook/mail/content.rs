//! The content of a request: envelope and message as JSON.

use std::{collections::HashMap, io, sync::Arc};

use base64::{display::Base64Display, engine::general_purpose::STANDARD};
use bytes::Bytes;
use koukan_core::{blob::HeldOctets, message::parser::ParsedMessage};
use serde::{
    Serialize, Serializer,
    ser::{Error, SerializeMap},
};
use serde_json::Value;
use tokio::task::spawn_blocking;

/// The most octets of content that are written at once: about a millisecond.
const SMALL: usize = 256 << 10;

/// What is sent beside the message.
pub(super) struct Envelope {
    pub(super) timestamp: String,
    pub(super) id: String,
    pub(super) sender: Value,
    /// Empty for the null reverse-path.
    pub(super) mail_from: String,
    pub(super) rcpt_to: Vec<String>,
}

/// The content, and the charge for its memory.
pub(super) struct Rendered {
    pub(super) content: Bytes,
    #[expect(dead_code, reason = "it pays until it is dropped")]
    memory: Option<HeldOctets>,
}

/// Writes the content and charges `memory` for it; `None` if there is not enough.
pub(super) async fn render(
    envelope: Envelope,
    parsed: Arc<ParsedMessage>,
    memory: Option<HeldOctets>,
) -> Option<Rendered> {
    let octets: usize = parsed.blobs.iter().map(|(_, octets)| octets.len()).sum();
    if octets <= SMALL {
        return write(&envelope, &parsed, memory);
    }
    let writing = spawn_blocking(move || write(&envelope, &parsed, memory));
    writing.await.ok().flatten()
}

fn write(
    envelope: &Envelope,
    parsed: &ParsedMessage,
    mut memory: Option<HeldOctets>,
) -> Option<Rendered> {
    let blobs = parsed.blobs.iter();
    let request = Request {
        kind: "mail",
        timestamp: &envelope.timestamp,
        data: Data {
            id: &envelope.id,
            sender: &envelope.sender,
            mail_from: &envelope.mail_from,
            rcpt_to: &envelope.rcpt_to,
            message: Message {
                json: &parsed.json,
                blobs: blobs.map(|(id, octets)| (&**id, octets)).collect(),
            },
        },
    };
    // The length is known before any of the content is held.
    let mut counted = Count(0);
    serde_json::to_writer(&mut counted, &request).ok()?;
    if let Some(memory) = &mut memory {
        memory.add(counted.0 as u64).ok()?;
        memory.end();
    }
    let mut content = Vec::with_capacity(counted.0);
    serde_json::to_writer(&mut content, &request).ok()?;
    Some(Rendered {
        content: content.into(),
        memory,
    })
}

struct Count(usize);

impl io::Write for Count {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0 += octets.len();
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Serialize)]
struct Request<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: &'a str,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    id: &'a str,
    sender: &'a Value,
    mail_from: &'a str,
    rcpt_to: &'a [String],
    message: Message<'a>,
}

type Blobs<'a> = HashMap<&'a str, &'a Bytes>;

/// A parsed message without its MIME tree, which would repeat everything, and with contents in
/// place of their names.
struct Message<'a> {
    json: &'a Value,
    blobs: Blobs<'a>,
}

impl Serialize for Message<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let members = self.json.as_object();
        let members = members.ok_or_else(|| S::Error::custom("a message is an object"))?;
        let shown = members.iter().filter(|(key, _)| *key != "parts");
        serializer.collect_map(shown.map(|(key, value)| {
            let filled = Filled {
                value,
                blobs: &self.blobs,
                is_shown: key == "text_body",
            };
            (key, filled)
        }))
    }
}

/// A value with contents in place of their names.
struct Filled<'a> {
    value: &'a Value,
    blobs: &'a Blobs<'a>,
    /// Whether the contents are UTF-8 text for people.
    is_shown: bool,
}

impl Serialize for Filled<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let filled = |value| Filled { value, ..*self };
        match self.value {
            Value::Array(items) => serializer.collect_seq(items.iter().map(filled)),
            Value::Object(members) => {
                let id = members.get("create_id").and_then(Value::as_str);
                let Some(octets) = id.and_then(|id| self.blobs.get(id)) else {
                    let members = members.iter();
                    return serializer.collect_map(members.map(|(key, it)| (key, filled(it))));
                };
                let mut content = serializer.serialize_map(Some(1))?;
                match std::str::from_utf8(octets) {
                    Ok(text) if self.is_shown => content.serialize_entry("inline", text)?,
                    _ => content.serialize_entry("base64", &Encoded(octets))?,
                }
                content.end()
            }
            other => other.serialize(serializer),
        }
    }
}

/// Octets as base64, written without holding the encoded form.
struct Encoded<'a>(&'a [u8]);

impl Serialize for Encoded<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Base64Display::new(self.0, &STANDARD))
    }
}

#[cfg(test)]
mod tests {
    use koukan_core::{
        blob::{BlobPool, Limits, Payer},
        shares::Client,
    };
    use serde_json::json;

    use super::*;

    fn envelope() -> Envelope {
        Envelope {
            timestamp: "2026-11-27T09:00:00Z".into(),
            id: "x".into(),
            sender: json!({"name": "receiving"}),
            mail_from: String::new(),
            rcpt_to: vec!["bob@example.net".into()],
        }
    }

    #[tokio::test]
    async fn contents_stand_in_the_place_of_their_names() {
        let content =
            |id: &str| json!({"content_type": "text/plain", "content": {"create_id": id}});
        let json = json!({
            "headers": [["subject", "hi"]],
            "text_body": [content("text"), content("octets")],
            "related_attachments": [content("text")],
            "file_attachments": [content("unknown")],
            "parts": {"content": {"create_id": "octets"}},
        });
        let text = "long \u{e9}\r\n";
        let parsed = ParsedMessage {
            json,
            blobs: vec![
                ("text".into(), text.into()),
                ("octets".into(), vec![0, 255].into()),
            ],
        };
        let rendered = render(envelope(), Arc::new(parsed), None).await.unwrap();
        let found: Value = serde_json::from_slice(&rendered.content).unwrap();
        let content = |content| json!({"content_type": "text/plain", "content": content});
        let expected = json!({
            "type": "mail",
            "timestamp": "2026-11-27T09:00:00Z",
            "data": {
                "id": "x",
                "sender": {"name": "receiving"},
                "mail_from": "",
                "rcpt_to": ["bob@example.net"],
                "message": {
                    "headers": [["subject", "hi"]],
                    "text_body": [content(json!({"inline": text})), content(json!({"base64": "AP8="}))],
                    "related_attachments": [content(json!({"base64": "bG9uZyDDqQ0K"}))],
                    "file_attachments": [content(json!({"create_id": "unknown"}))],
                },
            },
        });
        assert_eq!(found, expected);
    }

    #[tokio::test]
    async fn what_is_held_is_paid_for() {
        let pool = BlobPool::in_memory(
            Limits::default()
                .with_window(1 << 10)
                .with_spill_above(u64::MAX)
                .with_budget(64 << 10),
        );
        let account = pool.account(Payer::Client(Client::Unknown));
        for (octets, is_granted) in [(1000, true), (60 << 10, false), (300 << 10, false)] {
            let parsed = ParsedMessage {
                json: json!({"file_attachments": [{"content": {"create_id": "a"}}]}),
                blobs: vec![("a".into(), vec![0; octets].into())],
            };
            let rendered = render(envelope(), Arc::new(parsed), Some(account.hold())).await;
            assert_eq!(rendered.is_some(), is_granted, "{octets}");
            let held = rendered.as_ref().map_or(0, |it| it.content.len() as u64);
            assert_eq!(pool.charged(), held, "{octets}");
            drop(rendered);
            assert_eq!(pool.charged(), 0);
        }
    }
}
