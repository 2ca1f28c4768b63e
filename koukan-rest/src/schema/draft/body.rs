//! The source of a message: `inline`, `reuse_uri` or `message_builder`.

use bytes::Bytes;
use koukan_core::resource::{BodySource, Location, Refusal};
use serde_json::{Value, json};

use crate::schema::reader::Field;

/// Reads a `body`.
pub(super) fn source(field: &Field<'_>) -> Result<BodySource, Refusal> {
    let object = field.object(&["inline", "reuse_uri", "message_builder"])?;
    let mut members = object.members();
    let (Some(member), None) = (members.next(), members.next()) else {
        let detail = "must have exactly one of inline, reuse_uri and message_builder; \
                      leave it out to upload the message";
        return Err(field.refuse(detail));
    };
    match member.name() {
        "inline" => {
            let text = member.text()?.to_owned();
            Ok(BodySource::Inline(Bytes::from(text)))
        }
        "reuse_uri" => {
            let uri = Location::new(member.text()?);
            match uri.target() {
                Ok(_) => Ok(BodySource::Reuse(uri)),
                Err(_) => Err(member.refuse("must be the URI of a body: /transactions/T/body")),
            }
        }
        _ => {
            let map = member.open_object()?.map();
            Ok(BodySource::MessageBuilder(Value::Object(map.clone())))
        }
    }
}

/// Writes a `body`; `None` for a message that is not UTF-8 text.
pub(super) fn to_json(source: &BodySource) -> Option<Value> {
    Some(match source {
        BodySource::Inline(octets) => json!({"inline": std::str::from_utf8(octets).ok()?}),
        BodySource::Reuse(uri) => json!({"reuse_uri": uri.as_str()}),
        BodySource::MessageBuilder(spec) => json!({"message_builder": spec}),
    })
}
