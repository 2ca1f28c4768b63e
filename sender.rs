//! On whose behalf: `{"name": "submission", "tag": "smtp-msa"}`.

use koukan_core::context::Sender;
use serde_json::{Value, json};

use super::{
    At, Malformed,
    reader::{Fields, line},
};

/// Writes a sender.
pub fn to_json(sender: &Sender) -> Value {
    match &sender.tag {
        Some(tag) => json!({"name": sender.name, "tag": tag}),
        None => json!({"name": sender.name}),
    }
}

/// Reads a sender.
///
/// # Errors
///
/// [`Malformed`].
pub fn from_json(value: Value, at: &At<'_>) -> Result<Sender, Malformed> {
    let mut fields = Fields::of(value, at)?;
    let name = fields.require("name", line)?;
    let tag = fields.take("tag", line)?;
    fields.finish(&["name", "tag"])?;
    Ok(Sender {
        name: name.into(),
        tag: tag.map(Into::into),
    })
}
