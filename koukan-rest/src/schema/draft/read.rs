//! Reads what a client sends about a transaction.

use koukan_core::{
    context::Sender,
    resource::{Draft, Refusal},
};
use serde_json::Value;

use crate::schema::reader::{Field, Object};

use super::{body, command, send_at, session};

/// Reads the JSON of a create; `path_sender` is the sender that the request's path names.
///
/// *Shape*: `sender` may be left out, and then selects no tag; a single recipient may stand without
/// the list. `retry` and `notification` are enabled by an empty object. Other programs put a `host`
/// into `notification`; it is ignored.
///
/// # Errors
///
/// [`RefusalKind::Malformed`](koukan_core::resource::RefusalKind::Malformed) for the first error,
/// with the path of the field.
pub fn create_from_json(value: &Value, path_sender: &str) -> Result<(Sender, Draft), Refusal> {
    let field = Field::root(value);
    let object = field.open_object()?;
    let mut draft = Draft::default();
    let mut sender = Sender {
        name: path_sender.into(),
        tag: None,
    };
    for member in object.members() {
        match member.name() {
            "sender" => sender.tag = session::tag(&member, path_sender)?,
            "remote_host" => draft.remote_host = Some(session::host(&member)?),
            "local_host" => draft.local_host = Some(session::host(&member)?),
            "smtp_meta" => draft.smtp_meta = Some(session::meta(&member)?),
            "send_at" => draft.send_at = Some(send_at::time(&member)?),
            "rcpt_to_list_offset" => {
                return Err(member.refuse("belongs in a PATCH; in a create, leave it out"));
            }
            _ => read_common(&mut draft, &member)?,
        }
    }
    Ok((sender, draft))
}

/// Reads what is added to a transaction, and the position of the first of its recipients. An empty
/// object adds nothing; it only shows that the originator is still there.
///
/// # Errors
///
/// The same as for [`create_from_json`].
pub fn append_from_json(value: &Value) -> Result<(Draft, Option<usize>), Refusal> {
    let field = Field::root(value);
    let object: Object<'_> = field.open_object()?;
    let mut draft = Draft::default();
    let mut offset = None;
    for member in object.members() {
        match member.name() {
            "rcpt_to_list_offset" => offset = Some(member.number("a position, counted from 0")?),
            "sender" | "remote_host" | "local_host" | "smtp_meta" | "send_at" => {
                let detail = "is told when the transaction is created; in a PATCH, leave it out";
                return Err(member.refuse(detail));
            }
            _ => read_common(&mut draft, &member)?,
        }
    }
    Ok((draft, offset))
}

/// Reads a field that both a create and an append may have.
fn read_common(draft: &mut Draft, field: &Field<'_>) -> Result<(), Refusal> {
    match field.name() {
        "mail_from" => draft.mail_from = Some(command::mail(field)?),
        "rcpt_to" => draft.rcpt_to = command::recipients(field)?,
        "body" => draft.body = Some(body::source(field)?),
        "retry" => draft.retry = Some(is_enabled(field, &[])?),
        "notification" => draft.notification = Some(is_enabled(field, &["host"])?),
        "filter_output" => draft.filter_output = field.open_object()?.map().clone(),
        "cancelled" => {
            let detail = "is set by the server; to give the transaction up, POST to its /cancel";
            return Err(field.refuse(detail));
        }
        "mail_response"
        | "rcpt_response"
        | "data_response"
        | "attempt_count"
        | "final_attempt_reason" => {
            return Err(field.refuse("is set by the server; leave it out"));
        }
        _ => return Err(field.refuse("is not a field of a transaction; leave it out")),
    }
    Ok(())
}

/// Whether there is an object that has no members but these. The server's configuration decides the
/// details of what is promised, so a request for other details is refused.
fn is_enabled(field: &Field<'_>, known: &[&str]) -> Result<bool, Refusal> {
    let Ok(object) = field.open_object() else {
        return Err(field.mistyped("an object, which enables it"));
    };
    for member in object.members() {
        if !known.contains(&member.name()) {
            let detail =
                "is not known here: an empty object enables it, as the server is configured";
            return Err(member.refuse(detail));
        }
    }
    Ok(true)
}
