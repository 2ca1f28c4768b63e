//! The message of a transaction, as a reader sees it:
//! `{"blob_status": {"uri": …, "finalized": true}}`.

use koukan_core::resource::{BlobStatus, BodyView, BuilderView, Location};
use serde_json::{Map, Value, json};

use super::{
    At, Malformed,
    reader::{Fields, anything, flag, text},
    uri::Base,
};

/// Writes what is known of the message, with URIs on `base`.
pub fn to_json(body: &BodyView, base: &Base) -> Value {
    let mut object = json!({});
    if let Some(blob) = &body.blob_status {
        object["blob_status"] = blob_to_json(blob, base);
    }
    if let Some(builder) = &body.message_builder {
        object["message_builder"] = builder_to_json(builder, base);
    }
    object
}

/// Reads what is known of the message, tolerantly: a blob that does not say where it is is passed
/// over.
///
/// # Errors
///
/// [`Malformed`].
pub fn from_json(value: Value, at: &At<'_>) -> Result<BodyView, Malformed> {
    let mut fields = Fields::of(value, at)?;
    Ok(BodyView {
        blob_status: fields
            .take_loose("blob_status", blob_from_json)?
            .flatten(),
        message_builder: fields.take_loose("message_builder", builder_from_json)?,
    })
}

fn blob_to_json(blob: &BlobStatus, base: &Base) -> Value {
    let uri = base.uri_of(&blob.uri);
    if blob.finalized {
        json!({"uri": uri, "finalized": true})
    } else {
        json!({"uri": uri})
    }
}

fn builder_to_json(builder: &BuilderView, base: &Base) -> Value {
    let mut object = json!({});
    if let Some(uri) = &builder.uri {
        object["uri"] = json!(base.uri_of(uri));
    }
    if let Some(blobs) = &builder.blob_status {
        let blobs = blobs.iter();
        let blobs: Map<_, _> = blobs
            .map(|(id, blob)| (id.to_string(), blob_to_json(blob, base)))
            .collect();
        object["blob_status"] = Value::Object(blobs);
    }
    object
}

fn blob_from_json(value: Value, at: &At<'_>) -> Result<Option<BlobStatus>, Malformed> {
    let mut fields = Fields::of(value, at)?;
    let uri = fields.take_loose("uri", text)?;
    let finalized = fields.take_loose("finalized", flag)?.unwrap_or_default();
    Ok(uri.map(|uri| BlobStatus {
        uri: Location::new(uri),
        finalized,
    }))
}

fn builder_from_json(value: Value, at: &At<'_>) -> Result<BuilderView, Malformed> {
    let mut fields = Fields::of(value, at)?;
    let uri = fields.take_loose("uri", text)?.map(Location::new);
    let blob_status = fields.take_loose("blob_status", |value, at| {
        let mut blobs = Vec::new();
        for (id, value) in anything(value, at)? {
            if value.is_null() {
                continue;
            }
            if let Some(blob) = blob_from_json(value, &at.field(&id))? {
                blobs.push((id.into(), blob));
            }
        }
        Ok(blobs)
    })?;
    Ok(BuilderView { uri, blob_status })
}
