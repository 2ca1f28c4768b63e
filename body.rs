//! Where the message comes from: `{"inline": …}`, `{"reuse_uri": …}` or `{"message_builder": …}`.

use koukan_core::resource::{BodySource, Location};
use serde_json::{Value, json};

use super::{
    At, Malformed,
    reader::{Fields, anything, text},
};

/// A message that is to be sent within JSON is not UTF-8: it has to be uploaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message is not UTF-8; upload it")]
pub struct NotText;

const KNOWN: &[&str] = &["inline", "reuse_uri", "message_builder"];

/// Writes where the message comes from.
///
/// # Errors
///
/// [`NotText`].
pub fn to_json(body: &BodySource) -> Result<Value, NotText> {
    Ok(match body {
        BodySource::Inline(octets) => {
            json!({"inline": std::str::from_utf8(octets).map_err(|_| NotText)?})
        }
        BodySource::Reuse(location) => json!({"reuse_uri": location.as_str()}),
        BodySource::MessageBuilder(spec) => json!({"message_builder": spec}),
    })
}

/// Reads where the message comes from; a description of it is taken as it is.
///
/// # Errors
///
/// [`Malformed`].
pub fn from_json(value: Value, at: &At<'_>) -> Result<BodySource, Malformed> {
    let mut fields = Fields::of(value, at)?;
    let inline = fields.take("inline", text)?;
    let reuse = fields.take("reuse_uri", location)?;
    let builder = fields.take("message_builder", anything)?;
    fields.finish(KNOWN)?;
    match (inline, reuse, builder) {
        (Some(text), None, None) => Ok(BodySource::Inline(text.into())),
        (None, Some(location), None) => Ok(BodySource::Reuse(location)),
        (None, None, Some(spec)) => Ok(BodySource::MessageBuilder(Value::Object(spec))),
        _ => Err(at.malformed(format!("must hold exactly one of {}", KNOWN.join(", ")))),
    }
}

fn location(value: Value, at: &At<'_>) -> Result<Location, Malformed> {
    let location = Location::new(text(value, at)?);
    if let Err(error) = location.target() {
        return Err(at.malformed(error.to_string()));
    }
    Ok(location)
}
