//! What a create and a patch have in common.

use koukan_core::resource::Draft;
use serde_json::{Map, Value, json};

use super::{
    At, Malformed, NotText, body, mailbox,
    reader::{Fields, anything, list},
};

/// The fields that a create and a patch may have.
pub(super) const KNOWN: &[&str] = &[
    "mail_from",
    "rcpt_to",
    "body",
    "retry",
    "notification",
    "filter_output",
];

/// The fields that only a server sets.
const OF_SERVER: &[&str] = &[
    "mail_response",
    "rcpt_response",
    "data_response",
    "attempt_count",
    "final_attempt_reason",
    "cancelled",
];

/// Reads the common fields into `draft`.
pub(super) fn read(fields: &mut Fields<'_>, draft: &mut Draft) -> Result<(), Malformed> {
    if let Some(name) = fields.first_of(OF_SERVER) {
        let at = fields.at();
        let detail = "is set by whoever serves the transaction; leave it out";
        return Err(at.field(name).malformed(detail));
    }
    draft.mail_from = fields.take("mail_from", mailbox::mail_from_json)?;
    draft.rcpt_to = fields.take("rcpt_to", recipients)?.unwrap_or_default();
    draft.body = fields.take("body", body::from_json)?;
    draft.retry = fields.take("retry", anything)?.map(|_| true);
    draft.notification = fields.take("notification", anything)?.map(|_| true);
    let filter_output = fields.take("filter_output", filter_output)?;
    draft.filter_output = filter_output.unwrap_or_default();
    Ok(())
}

/// Writes the common fields.
pub(super) fn write(draft: &Draft, object: &mut Map<String, Value>) -> Result<(), NotText> {
    let mut put = |name: &str, value| object.insert(name.to_owned(), value);
    if let Some(mail) = &draft.mail_from {
        put("mail_from", mailbox::mail_to_json(mail));
    }
    if !draft.rcpt_to.is_empty() {
        let recipients = draft.rcpt_to.iter().map(mailbox::rcpt_to_json);
        put("rcpt_to", recipients.collect());
    }
    if let Some(source) = &draft.body {
        put("body", body::to_json(source)?);
    }
    // Only "yes" can be said: the field is there.
    if draft.retry == Some(true) {
        put("retry", json!({}));
    }
    if draft.notification == Some(true) {
        put("notification", json!({}));
    }
    if !draft.filter_output.is_empty() {
        put("filter_output", Value::Object(draft.filter_output.clone()));
    }
    Ok(())
}

/// One recipient may stand without an array around it.
fn recipients(value: Value, at: &At<'_>) -> Result<Vec<koukan_core::transaction::Rcpt>, Malformed> {
    if value.is_object() {
        return Ok(vec![mailbox::rcpt_from_json(value, at)?]);
    }
    list(value, at, mailbox::rcpt_from_json)
}

fn filter_output(value: Value, at: &At<'_>) -> Result<Map<String, Value>, Malformed> {
    let map = anything(value, at)?;
    match map.iter().find(|(_, value)| value.is_null()) {
        None => Ok(map),
        Some((name, _)) => {
            let detail = "must not be null; leave it out";
            Err(at.field(name).malformed(detail))
        }
    }
}
