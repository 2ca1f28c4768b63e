//! Writes a spec as JSON.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use super::{Address, Content, Header, HeaderValue, Part, Spec};

impl Spec {
    /// The spec as JSON. [`Spec::from_stored`] reads it as the same spec; so does
    /// [`Spec::from_json`], within its limits.
    pub fn to_json(&self) -> Value {
        let mut object = Map::new();
        if !self.headers.is_empty() {
            let headers = self.headers.iter().map(Header::to_json);
            object.insert("headers".into(), headers.collect());
        }
        for (key, parts) in [
            ("text_body", &self.text_body),
            ("related_attachments", &self.related_attachments),
            ("file_attachments", &self.file_attachments),
        ] {
            if !parts.is_empty() {
                object.insert(key.into(), parts.iter().map(Part::to_json).collect());
            }
        }
        object.into()
    }
}

impl Header {
    fn to_json(&self) -> Value {
        let value = match self.value() {
            HeaderValue::Addresses(addresses) => addresses.iter().map(Address::to_json).collect(),
            HeaderValue::Date {
                unix_secs,
                tz_offset,
            } => json!({"unix_secs": unix_secs, "tz_offset": tz_offset}),
            HeaderValue::Ids(ids) => ids.iter().map(|id| Value::from(&**id)).collect(),
            HeaderValue::Text(text) => Value::from(&**text),
        };
        json!([self.name(), value])
    }
}

impl Address {
    fn to_json(&self) -> Value {
        match self.display_name() {
            Some(name) => json!({"display_name": name, "address": self.address().as_str()}),
            None => json!({"address": self.address().as_str()}),
        }
    }
}

impl Part {
    fn to_json(&self) -> Value {
        let content = match self.content() {
            Content::Inline(text) => json!({"inline": &**text}),
            Content::Octets(octets) => json!({"base64": STANDARD.encode(octets)}),
            Content::CreateId(id) => json!({"create_id": &**id}),
            Content::ReuseUri(uri) => match &self.reused_as {
                Some(id) => json!({"create_id": &**id, "reuse_uri": &**uri}),
                None => json!({"reuse_uri": &**uri}),
            },
        };
        let mut part = Map::new();
        part.insert(
            "content_type".into(),
            self.content_type().to_string().into(),
        );
        if let Some(id) = self.content_id() {
            part.insert("content_id".into(), id.into());
        }
        if let Some(name) = self.filename() {
            part.insert("filename".into(), name.into());
        }
        part.insert("content".into(), content);
        part.into()
    }
}
