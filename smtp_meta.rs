//! Facts of an SMTP session: `{"ehlo_host": "mx.example.com", "esmtp": true}`.

use koukan_core::resource::SmtpMeta;
use serde_json::{Value, json};

use super::{
    At, Malformed,
    reader::{Fields, flag, line},
};

/// Writes the facts.
pub fn to_json(meta: &SmtpMeta) -> Value {
    let mut object = json!({
        "esmtp": meta.is_esmtp,
        "tls": meta.has_tls,
        "auth": meta.is_authenticated,
    });
    if let Some(name) = &meta.ehlo_host {
        object["ehlo_host"] = json!(name);
    }
    object
}

/// Reads the facts; what is not said is not so.
///
/// # Errors
///
/// [`Malformed`].
pub fn from_json(value: Value, at: &At<'_>) -> Result<SmtpMeta, Malformed> {
    let mut fields = Fields::of(value, at)?;
    let meta = SmtpMeta {
        ehlo_host: fields.take("ehlo_host", line)?.map(Into::into),
        is_esmtp: fields.take("esmtp", flag)?.unwrap_or_default(),
        has_tls: fields.take("tls", flag)?.unwrap_or_default(),
        is_authenticated: fields.take("auth", flag)?.unwrap_or_default(),
    };
    fields.finish(&["ehlo_host", "esmtp", "tls", "auth"])?;
    Ok(meta)
}
