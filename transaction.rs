//! A transaction as a reader sees it.

use koukan_core::{reply::Reply, resource::View};
use serde_json::{Map, Value, json};

use super::{
    At, Malformed, body_view,
    reader::{Fields, anything, count, flag, text},
    response,
    uri::Base,
};

/// Writes a transaction: requests as placeholders (`{}`), replies whole, URIs on `base`.
pub fn to_json(view: &View, base: &Base) -> Value {
    let mut object = Map::new();
    let mut put = |name: &str, value| object.insert(name.to_owned(), value);
    if view.has_sender {
        put("sender", json!({}));
    }
    if view.has_mail_from {
        put("mail_from", json!({}));
    }
    if view.rcpt_to > 0 {
        put("rcpt_to", vec![json!({}); view.rcpt_to].into());
    }
    if let Some(body) = &view.body {
        put("body", body_view::to_json(body, base));
    }
    if let Some(reply) = &view.mail_response {
        put("mail_response", response::to_json(reply));
    }
    if !view.rcpt_response.is_empty() {
        let replies = view.rcpt_response.iter().map(response::to_json);
        put("rcpt_response", replies.collect());
    }
    if let Some(reply) = &view.data_response {
        put("data_response", response::to_json(reply));
    }
    if view.attempt_count > 0 {
        put("attempt_count", json!(view.attempt_count));
    }
    if let Some(reason) = &view.final_attempt_reason {
        put("final_attempt_reason", json!(reason));
    }
    if view.retry {
        put("retry", json!({}));
    }
    if view.notification {
        put("notification", json!({}));
    }
    if view.cancelled {
        put("cancelled", json!(true));
    }
    if !view.filter_output.is_empty() {
        put("filter_output", Value::Object(view.filter_output.clone()));
    }
    Value::Object(object)
}

/// Reads a transaction, tolerantly.
///
/// # Errors
///
/// [`Malformed`] where it is not an object, or a field that is known is of another type.
pub fn from_json(value: Value) -> Result<View, Malformed> {
    let mut fields = Fields::of(value, &At::ROOT)?;
    let present = |_: Value, _: &At<'_>| Ok(());
    Ok(View {
        has_sender: fields.take_loose("sender", present)?.is_some(),
        has_mail_from: fields.take_loose("mail_from", present)?.is_some(),
        rcpt_to: fields.take_loose("rcpt_to", number)?.unwrap_or_default(),
        body: fields.take_loose("body", body_view::from_json)?,
        mail_response: fields.take_loose("mail_response", response::from_json)?,
        rcpt_response: fields
            .take_loose("rcpt_response", replies)?
            .unwrap_or_default(),
        data_response: fields.take_loose("data_response", response::from_json)?,
        attempt_count: fields
            .take_loose("attempt_count", attempts)?
            .unwrap_or_default(),
        final_attempt_reason: fields
            .take_loose("final_attempt_reason", text)?
            .map(Into::into),
        retry: fields.take_loose("retry", enabled)?.unwrap_or_default(),
        notification: fields
            .take_loose("notification", enabled)?
            .unwrap_or_default(),
        cancelled: fields.take_loose("cancelled", flag)?.unwrap_or_default(),
        filter_output: fields
            .take_loose("filter_output", anything)?
            .unwrap_or_default(),
    })
}

/// Elements of an array; one may stand without an array around it.
#[expect(clippy::unnecessary_wraps, reason = "has the shape of a reader")]
fn number(value: Value, _: &At<'_>) -> Result<usize, Malformed> {
    Ok(value.as_array().map_or(1, Vec::len))
}

/// The replies before the first that is missing.
fn replies(value: Value, at: &At<'_>) -> Result<Vec<Reply>, Malformed> {
    let replies = match value {
        Value::Array(replies) => replies,
        single => return Ok(vec![response::from_json(single, at)?]),
    };
    let is_there = |reply: &Value| match reply {
        Value::Null => false,
        Value::Object(fields) => !fields.is_empty(),
        _ => true,
    };
    let known = replies.into_iter().take_while(is_there).enumerate();
    known
        .map(|(position, reply)| response::from_json(reply, &at.index(position)))
        .collect()
}

fn attempts(value: Value, at: &At<'_>) -> Result<u32, Malformed> {
    Ok(u32::try_from(count(value, at)?).unwrap_or(u32::MAX))
}

/// Present is enabled, but for an explicit `false`.
#[expect(clippy::unnecessary_wraps, reason = "has the shape of a reader")]
fn enabled(value: Value, _: &At<'_>) -> Result<bool, Malformed> {
    Ok(value != Value::Bool(false))
}
