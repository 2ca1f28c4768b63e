//! Writes a transaction for readers.

use koukan_core::{
    reply::Reply,
    resource::{
        BlobStatus, BodyView, BuilderView, Details, Location, RecipientView, Target,
        TransactionsListed, View,
    },
};
use serde_json::{Map, Value, json};

use super::message::write_one;
use crate::schema::{
    draft::{host_to_json, mailbox_to_json, sender_to_json},
    reply_to_json,
};

/// Writes a transaction: placeholders for what the client has sent, and whole replies.
///
/// It only has the fields of the basic API, and `filter_output` is a placeholder too: clients of
/// the basic API refuse unknown fields.
///
/// `absolute` makes URIs of locations. What is not known yet, or is empty, is left out.
pub fn view_to_json(view: &View, absolute: impl Fn(&Location) -> String) -> Value {
    Value::Object(write(view, &absolute))
}

/// Writes the full view of a transaction: as [`view_to_json`] does, with the whole `filter_output`,
/// and with the [`Details`].
pub fn full_view_to_json(view: &View, absolute: impl Fn(&Location) -> String) -> Value {
    Value::Object(write_full(view, &absolute))
}

/// Writes a list of a sender's transactions.
///
/// *Shape*: each as [`full_view_to_json`] writes it, with the whole sender, reverse-path and
/// recipients in place of placeholders.
pub fn listed_to_json(
    listed: &TransactionsListed,
    absolute: impl Fn(&Location) -> String,
) -> Value {
    let transactions = listed.transactions.iter();
    let transactions = transactions.map(|transaction| write_one(transaction, &absolute));
    let mut list = json!({"transactions": transactions.collect::<Vec<_>>()});
    if let Some(next) = &listed.next {
        list["next_cursor"] = json!(next);
    }
    list
}

/// Writes a transaction with its whole envelope in place of placeholders.
pub(in crate::schema) fn write_listed(
    view: &View,
    absolute: &impl Fn(&Location) -> String,
) -> Map<String, Value> {
    let mut object = write_full(view, absolute);
    if let Some(details) = &view.details {
        write_envelope(&mut object, details);
    }
    object
}

fn write_full(view: &View, absolute: &impl Fn(&Location) -> String) -> Map<String, Value> {
    let mut object = write(view, absolute);
    if !view.filter_output.is_empty() {
        object.insert("filter_output".into(), view.filter_output.clone().into());
    }
    let Some(details) = &view.details else {
        write_final_replies(&mut object, &view.final_replies);
        return object;
    };
    if let Ok(Target::Transaction(id)) = details.location.target() {
        object.insert("id".into(), id.into());
    }
    object.insert("uri".into(), absolute(&details.location).into());
    object.insert("created".into(), details.created.to_string().into());
    if let Some(next) = details.next_attempt {
        object.insert("next_attempt".into(), next.to_string().into());
    }
    if let Some(at) = details.send_at {
        object.insert("send_at".into(), at.to_string().into());
    }
    let recipients = details.recipients.iter().map(write_recipient);
    object.insert("recipients".into(), recipients.collect());
    object
}

/// Writes the final replies of recipients of whom nothing else is known.
fn write_final_replies(object: &mut Map<String, Value>, replies: &[Option<Reply>]) {
    if !replies.is_empty() {
        let replies = replies.iter().map(|reply| match reply {
            Some(reply) => json!({"reply": reply_to_json(reply)}),
            None => json!({}),
        });
        object.insert("recipients".into(), replies.collect());
    }
}

pub(super) fn write_recipient(recipient: &RecipientView) -> Value {
    let reply = recipient.reply.as_ref().map(|reply| {
        let mut json = reply_to_json(reply);
        if let Some(enhanced) = reply.enhanced() {
            json["enhanced"] = enhanced.to_string().into();
        }
        json
    });
    let address = recipient.rcpt.forward_path.as_str();
    let fields = [
        ("address", Some(address.into())),
        ("state", Some(recipient.state.as_str().into())),
        ("reply", reply),
    ];
    object(fields).into()
}

/// Replaces the placeholders by the envelope.
fn write_envelope(object: &mut Map<String, Value>, details: &Details) {
    object.insert("sender".into(), sender_to_json(&details.sender));
    if let Some(mail) = &details.mail_from {
        let mailbox = mailbox_to_json(mail.reverse_path.as_str(), &mail.parameters);
        object.insert("mail_from".into(), mailbox);
    }
    if !details.recipients.is_empty() {
        let mailboxes = details.recipients.iter().map(|recipient| {
            let rcpt = &recipient.rcpt;
            mailbox_to_json(rcpt.forward_path.as_str(), &rcpt.parameters)
        });
        object.insert("rcpt_to".into(), mailboxes.collect());
    }
}

fn write(view: &View, absolute: &impl Fn(&Location) -> String) -> Map<String, Value> {
    let replies = || view.rcpt_response.iter().map(reply_to_json).collect();
    let reason = view.final_attempt_reason.as_deref();
    let fields = [
        ("sender", view.has_sender.then(placeholder)),
        ("remote_host", view.remote_host.as_ref().map(host_to_json)),
        ("local_host", view.local_host.as_ref().map(host_to_json)),
        ("mail_from", view.has_mail_from.then(placeholder)),
        (
            "rcpt_to",
            (view.rcpt_to > 0).then(|| vec![placeholder(); view.rcpt_to].into()),
        ),
        (
            "body",
            view.body.as_ref().map(|body| write_body(body, absolute)),
        ),
        (
            "mail_response",
            view.mail_response.as_ref().map(reply_to_json),
        ),
        (
            "rcpt_response",
            (!view.rcpt_response.is_empty()).then(replies),
        ),
        (
            "data_response",
            view.data_response.as_ref().map(reply_to_json),
        ),
        (
            "attempt_count",
            (view.attempt_count > 0).then(|| view.attempt_count.into()),
        ),
        ("final_attempt_reason", reason.map(Value::from)),
        ("retry", view.retry.then(placeholder)),
        ("notification", view.notification.then(placeholder)),
        ("cancelled", view.cancelled.then_some(Value::Bool(true))),
        (
            "filter_output",
            (!view.filter_output.is_empty()).then(placeholder),
        ),
    ];
    object(fields)
}

fn write_body(body: &BodyView, absolute: &impl Fn(&Location) -> String) -> Value {
    let blob = body.blob_status.as_ref();
    let builder = body.message_builder.as_ref();
    let fields = [
        ("blob_status", blob.map(|blob| write_blob(blob, absolute))),
        (
            "message_builder",
            builder.map(|builder| write_builder(builder, absolute)),
        ),
    ];
    object(fields).into()
}

fn write_builder(builder: &BuilderView, absolute: &impl Fn(&Location) -> String) -> Value {
    let write_blobs = |blobs: &Vec<(Box<str>, BlobStatus)>| {
        let blobs = blobs.iter();
        let blobs = blobs.map(|(id, blob)| (id.to_string(), write_blob(blob, absolute)));
        Value::Object(blobs.collect())
    };
    let uri = builder.uri.as_ref();
    let fields = [
        ("uri", uri.map(|uri| absolute(uri).into())),
        ("blob_status", builder.blob_status.as_ref().map(write_blobs)),
    ];
    object(fields).into()
}

fn write_blob(blob: &BlobStatus, absolute: &impl Fn(&Location) -> String) -> Value {
    let fields = [
        ("uri", Some(absolute(&blob.uri).into())),
        ("finalized", blob.finalized.then_some(Value::Bool(true))),
    ];
    object(fields).into()
}

/// Says that the server has it.
fn placeholder() -> Value {
    json!({})
}

fn object<const N: usize>(fields: [(&str, Option<Value>); N]) -> Map<String, Value> {
    let given = fields
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| (name.to_owned(), value)));
    given.collect()
}
