//! What `POST /senders/{sender}/transactions` sends.

use koukan_core::{
    context::Sender,
    resource::{Create, Draft},
};
use serde_json::{Map, Value};

use super::{At, Malformed, NotText, draft, host, reader::Fields, sender, smtp_meta};

/// The fields that only a create may have.
pub(super) const KNOWN: &[&str] = &["sender", "remote_host", "local_host", "smtp_meta"];

/// Writes a create; wait and key go into headers.
///
/// # Errors
///
/// [`NotText`].
pub fn to_json(create: &Create) -> Result<Value, NotText> {
    let mut object = Map::new();
    let mut put = |name: &str, value| object.insert(name.to_owned(), value);
    if create.sender.tag.is_some() {
        put("sender", sender::to_json(&create.sender));
    }
    let draft = &create.draft;
    if let Some(remote) = &draft.remote_host {
        put("remote_host", host::to_json(remote));
    }
    if let Some(local) = &draft.local_host {
        put("local_host", host::to_json(local));
    }
    if let Some(meta) = &draft.smtp_meta {
        put("smtp_meta", smtp_meta::to_json(meta));
    }
    draft::write(draft, &mut object)?;
    Ok(Value::Object(object))
}

/// Reads a create for the sender that the path names; wait and key stand in headers.
///
/// # Errors
///
/// [`Malformed`].
pub fn from_json(path_sender: &str, value: Value) -> Result<Create, Malformed> {
    let mut fields = Fields::of(value, &At::ROOT)?;
    let sender = fields.take("sender", |value, at| {
        let sender = sender::from_json(value, at)?;
        if *sender.name != *path_sender {
            let at = at.field("name");
            return Err(at.malformed("must be the name that the path has"));
        }
        Ok(sender)
    })?;
    let mut draft = Draft {
        remote_host: fields.take("remote_host", host::from_json)?,
        local_host: fields.take("local_host", host::from_json)?,
        smtp_meta: fields.take("smtp_meta", smtp_meta::from_json)?,
        ..Draft::default()
    };
    draft::read(&mut fields, &mut draft)?;
    if fields.first_of(&["rcpt_to_list_offset"]).is_some() {
        let at = At::ROOT.field("rcpt_to_list_offset");
        return Err(at.malformed("belongs to a PATCH: a new transaction starts at 0"));
    }
    fields.finish(&[KNOWN, draft::KNOWN].concat())?;
    Ok(Create {
        sender: sender.unwrap_or_else(|| Sender::new(path_sender)),
        draft,
        wait: None,
        idempotency_key: None,
    })
}
