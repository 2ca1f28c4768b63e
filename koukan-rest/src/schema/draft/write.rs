//! Writes what a client sends about a transaction.

use koukan_core::{context::Sender, resource::Draft, signals::HostPort};
use serde_json::{Map, Value, json};

use super::{body, command};

/// Writes a create.
///
/// Leaves out what JSON cannot express: an inline message that is not UTF-8, which must be uploaded
/// instead, and `retry` and `notification` if they are disabled.
pub fn create_to_json(sender: &Sender, draft: &Draft) -> Value {
    let mut object = Map::new();
    object.insert("sender".into(), sender_to_json(sender));
    if let Some(host) = &draft.remote_host {
        object.insert("remote_host".into(), host_to_json(host));
    }
    if let Some(host) = &draft.local_host {
        object.insert("local_host".into(), host_to_json(host));
    }
    if let Some(meta) = &draft.smtp_meta {
        let mut facts = json!({
            "esmtp": meta.is_esmtp,
            "tls": meta.has_tls,
            "auth": meta.is_authenticated,
        });
        if let Some(host) = &meta.ehlo_host {
            facts["ehlo_host"] = json!(host);
        }
        object.insert("smtp_meta".into(), facts);
    }
    if let Some(at) = draft.send_at {
        object.insert("send_at".into(), at.to_string().into());
    }
    write_common(&mut object, draft);
    Value::Object(object)
}

/// Writes what is added to a transaction, with the position of the first of its recipients.
///
/// Leaves out the facts that are only sent when a transaction is created, and whatever
/// [`create_to_json`] leaves out.
pub fn append_to_json(draft: &Draft, offset: Option<usize>) -> Value {
    let mut object = Map::new();
    write_common(&mut object, draft);
    if let Some(offset) = offset {
        object.insert("rcpt_to_list_offset".into(), offset.into());
    }
    Value::Object(object)
}

fn write_common(object: &mut Map<String, Value>, draft: &Draft) {
    if let Some(mail) = &draft.mail_from {
        let mailbox = command::to_json(mail.reverse_path.as_str(), &mail.parameters);
        object.insert("mail_from".into(), mailbox);
    }
    if !draft.rcpt_to.is_empty() {
        let recipients = draft.rcpt_to.iter();
        let recipients = recipients
            .map(|rcpt| command::to_json(rcpt.forward_path.as_str(), &rcpt.parameters))
            .collect();
        object.insert("rcpt_to".into(), recipients);
    }
    if let Some(body) = draft.body.as_ref().and_then(body::to_json) {
        object.insert("body".into(), body);
    }
    if draft.retry == Some(true) {
        object.insert("retry".into(), json!({}));
    }
    if draft.notification == Some(true) {
        object.insert("notification".into(), json!({}));
    }
    if !draft.filter_output.is_empty() {
        object.insert("filter_output".into(), draft.filter_output.clone().into());
    }
}

/// Writes a sender.
pub(crate) fn sender_to_json(sender: &Sender) -> Value {
    let mut named = json!({"name": &*sender.name});
    if let Some(tag) = sender.tag.as_deref() {
        named["tag"] = json!(tag);
    }
    named
}

/// Writes a `["host", port]`.
pub(in crate::schema) fn host_to_json(host: &HostPort) -> Value {
    json!([host.host, host.port])
}
