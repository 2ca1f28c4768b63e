//! Attachments: octets in base64, or a blob of an earlier transaction.

use koukan_core::resource::Refusal;
use serde_json::{Map, Value, json};

use crate::schema::reader::Field;

use super::{Description, address::line};

/// The media type of an attachment that names none.
const OCTETS: &str = "application/octet-stream";

/// Reads a list of attachments.
pub(super) fn read(field: &Field<'_>, spec: &mut Description) -> Result<(), Refusal> {
    for (index, attachment) in field.list()?.iter().enumerate() {
        let object = attachment.object(&[
            "filename",
            "content_type",
            "content_id",
            "base64",
            "reuse_uri",
        ])?;
        let content = match (object.get("base64"), object.get("reuse_uri")) {
            (Some(octets), None) => json!({"base64": octets.text()?}),
            (None, Some(uri)) => json!({"reuse_uri": uri.text()?}),
            _ => return Err(attachment.refuse("must have exactly one of base64 and reuse_uri")),
        };
        let content_type = object.get("content_type").map(|it| line(&it));
        let mut part = Map::new();
        let content_type = content_type.transpose()?.unwrap_or(OCTETS);
        part.insert("content_type".into(), content_type.into());
        part.insert("content".into(), content);
        if let Some(name) = object.get("filename") {
            part.insert("filename".into(), line(&name)?.into());
        }
        // Attachments that the HTML refers to are related parts; all others come after the text.
        match object.get("content_id") {
            Some(id) => {
                part.insert("content_id".into(), line(&id)?.into());
                spec.related.push(Value::Object(part));
                spec.origins.related.push(index);
            }
            None => {
                spec.files.push(Value::Object(part));
                spec.origins.files.push(index);
            }
        }
    }
    Ok(())
}
