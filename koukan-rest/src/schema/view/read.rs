//! Reads a transaction from a server's answer.

use koukan_core::{
    reply::Reply,
    resource::{BlobStatus, BodyView, BuilderView, Location, View},
    signals::HostPort,
};
use serde_json::{Map, Value};

use crate::schema::reply_from_json;

use super::InvalidView;

/// Reads a transaction from the answer of any server.
///
/// It is tolerant: unknown fields are ignored, `null` counts as missing, a single reply stands for
/// a list of one, and a blob without a URI is ignored. The replies to RCPT end with the first that
/// is still awaited (`null` or `{}`). Blobs are in the order of the object's members. `recipients`,
/// from the full view, are only used once there is a `data_response`.
///
/// # Errors
///
/// [`InvalidView`] if the value is not an object, or if a field that decides what happens to the
/// message is not valid.
pub fn view_from_json(value: &Value) -> Result<View, InvalidView> {
    let Value::Object(map) = value else {
        return Err(invalid("it", "an object"));
    };
    let get = |name| map.get(name).filter(|value| !value.is_null());
    let data_response = read_reply(get("data_response"), "data_response")?;
    let recipients = get("recipients").filter(|_| data_response.is_some());
    Ok(View {
        has_sender: get("sender").is_some(),
        remote_host: get("remote_host").and_then(read_host),
        local_host: get("local_host").and_then(read_host),
        has_mail_from: get("mail_from").is_some(),
        rcpt_to: match get("rcpt_to") {
            Some(Value::Array(recipients)) => recipients.len(),
            recipient => recipient.map_or(0, |_| 1),
        },
        body: get("body").and_then(Value::as_object).map(read_body),
        mail_response: read_reply(get("mail_response"), "mail_response")?,
        rcpt_response: read_replies(get("rcpt_response"))?,
        data_response,
        final_replies: recipients.map_or_else(Vec::new, read_recipients),
        attempt_count: match get("attempt_count") {
            None => 0,
            Some(count) => count
                .as_u64()
                .and_then(|count| count.try_into().ok())
                .ok_or_else(|| invalid("attempt_count", "a number"))?,
        },
        final_attempt_reason: match get("final_attempt_reason") {
            None => None,
            Some(Value::String(reason)) => Some(reason.clone().into()),
            Some(_) => return Err(invalid("final_attempt_reason", "a string")),
        },
        retry: get("retry").is_some_and(is_enabled),
        notification: get("notification").is_some_and(is_enabled),
        cancelled: get("cancelled").is_some_and(is_enabled),
        filter_output: get("filter_output")
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default(),
        details: None,
    })
}

/// Reads a `["host", port]`; `None` for anything else.
fn read_host(value: &Value) -> Option<HostPort> {
    let (host, port) = (value.get(0)?.as_str()?, value.get(1)?.as_u64()?);
    Some(HostPort {
        host: host.into(),
        port: port.try_into().ok()?,
    })
}

fn is_enabled(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false))
}

fn read_reply(value: Option<&Value>, field: &str) -> Result<Option<Reply>, InvalidView> {
    let is_to_come = |value: &Value| match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        _ => false,
    };
    match value {
        None => Ok(None),
        Some(value) if is_to_come(value) => Ok(None),
        Some(value) => reply_from_json(value)
            .map(Some)
            .ok_or_else(|| invalid(field, "a reply, with a code of 200 to 599")),
    }
}

fn read_replies(value: Option<&Value>) -> Result<Vec<Reply>, InvalidView> {
    let values = match value {
        None => return Ok(Vec::new()),
        Some(Value::Array(values)) => values.as_slice(),
        Some(value) => std::slice::from_ref(value),
    };
    let replies = values
        .iter()
        .enumerate()
        .map(|(position, value)| read_reply(Some(value), &format!("rcpt_response[{position}]")));
    // What follows the first missing reply must be valid too.
    let replies = replies.collect::<Result<Vec<_>, _>>()?;
    Ok(replies.into_iter().map_while(|reply| reply).collect())
}

/// The final reply of each recipient, as far as given; empty if none is given.
fn read_recipients(value: &Value) -> Vec<Option<Reply>> {
    let recipients = value.as_array().into_iter().flatten();
    let replies: Vec<_> = recipients.map(read_recipient).collect();
    if replies.iter().all(Option::is_none) {
        return Vec::new();
    }
    replies
}

/// The reply that decided the recipient's state; `None` if it does not agree with the state: it is
/// then only the reply to RCPT.
fn read_recipient(value: &Value) -> Option<Reply> {
    let reply = reply_from_json(value.get("reply")?)?;
    let is_final = match value.get("state").and_then(Value::as_str) {
        None => true,
        Some("delivered") => reply.is_positive(),
        Some("deferred" | "failed" | "expired" | "cancelled") => reply.is_negative(),
        Some(_) => false,
    };
    is_final.then_some(reply)
}

fn read_body(map: &Map<String, Value>) -> BodyView {
    let builder = map.get("message_builder").and_then(Value::as_object);
    BodyView {
        blob_status: map.get("blob_status").and_then(read_blob),
        message_builder: builder.map(|builder| BuilderView {
            uri: read_uri(builder),
            blob_status: builder
                .get("blob_status")
                .and_then(Value::as_object)
                .map(read_blobs),
        }),
    }
}

fn read_blobs(map: &Map<String, Value>) -> Vec<(Box<str>, BlobStatus)> {
    let blobs = map.iter();
    blobs
        .filter_map(|(id, value)| Some((id.as_str().into(), read_blob(value)?)))
        .collect()
}

fn read_blob(value: &Value) -> Option<BlobStatus> {
    let map = value.as_object()?;
    Some(BlobStatus {
        uri: read_uri(map)?,
        finalized: map.get("finalized").is_some_and(is_enabled),
    })
}

fn read_uri(map: &Map<String, Value>) -> Option<Location> {
    let uri = map.get("uri")?.as_str()?;
    (!uri.is_empty()).then(|| Location::new(uri))
}

fn invalid(field: &str, wanted: &'static str) -> InvalidView {
    let field = field.into();
    InvalidView { field, wanted }
}
