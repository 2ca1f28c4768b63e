//! `POST /senders/{sender}/messages`, `POST /senders/{sender}/messages/batch`, `GET /messages/{id}` and
//! `POST /messages/{id}/cancel`.

use axum::{
    Extension,
    extract::{Request, State},
    http::{StatusCode, header::IF_NONE_MATCH},
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, stream};
use koukan_core::{
    context::Sender,
    resource::{
        Caller, Create, Draft, MessageId, MessageOperation, MessageResponse, MessageView,
        ReadMessage, Refusal, Version, WaitFor,
    },
};
use serde_json::{Value, json};

use crate::{
    schema::{etag::Condition, message_from_json, message_to_json, messages_from_json},
    server::{
        answer::{Manner, applied, json_of, put_etag, put_location, put_replayed},
        field::{condition, idempotency_key, wait},
        json_content,
        problem::Problem,
        shared::Shared,
    },
};

use super::{Answer, Parts, part, sender};

/// How many messages of one batch are created at the same time.
const AT_ONCE: usize = 16;

pub(super) async fn create(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    path: Parts<String>,
    request: Request,
) -> Answer {
    let name = sender(path, &caller)?;
    let (head, body) = request.into_parts();
    let wait = wait::of(&head.uri, &head.headers, shared.settings.max_wait)?;
    let manner = shared.manner(&head.uri, &head.headers)?;
    let idempotency_key = idempotency_key::of(&head.headers)?;
    let of = |json| message_from_json(&json, &name);
    let message = json_content::read((&shared, &caller), &head.headers, body, of).await?;
    let create = Create {
        wait: wait.map(|wait| wait.time),
        wait_for: wait.map(|wait| wait.wait_for).unwrap_or_default(),
        idempotency_key,
        ..create_of(message)
    };
    let created = shared.create_message(caller, create).await?;
    let mut response = (StatusCode::CREATED, shown(&created.message, &manner)).into_response();
    put_location(
        &mut response,
        manner.base.uri(&created.message.id.location()),
    );
    if created.is_replayed {
        put_replayed(&mut response);
    }
    applied(response.headers_mut(), wait);
    Ok(response)
}

/// Creates the messages independently: an error in one does not affect the others.
pub(super) async fn batch(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    path: Parts<String>,
    request: Request,
) -> Answer {
    let name = sender(path, &caller)?;
    let (head, body) = request.into_parts();
    let manner = shared.manner(&head.uri, &head.headers)?;
    let key = idempotency_key::of(&head.headers)?;
    let of = |json| messages_from_json(&json, &name);
    // The messages that are created last are kept in memory until the others are done.
    let (messages, held) =
        json_content::read_held((&shared, &caller), &head.headers, body, of).await?;
    let made = messages.into_iter().enumerate().map(|(index, message)| {
        let (shared, caller) = (shared.clone(), caller.clone());
        let key = key.as_ref().map(|key| format!("{key}:{index}").into());
        async move {
            let create = Create {
                idempotency_key: key,
                ..create_of(message?)
            };
            shared.create_message(caller, create).await
        }
    });
    let made: Vec<_> = stream::iter(made).buffered(AT_ONCE).collect().await;
    drop(held);
    let results = made.into_iter().map(|made| match made {
        Ok(created) => json!({
            "status": StatusCode::CREATED.as_u16(),
            "message": of_message(&created.message, &manner),
        }),
        Err(problem) => {
            let (status, problem) = problem.to_json();
            json!({"status": status.as_u16(), "problem": problem})
        }
    });
    Ok(json_of(&json!({"results": results.collect::<Vec<_>>()})))
}

pub(super) async fn read(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    path: Parts<String>,
    request: Request,
) -> Answer {
    let message = id_of(path)?;
    let headers = request.headers();
    let wait = wait::of(request.uri(), headers, shared.settings.max_wait)?;
    let known = condition::of(headers, &IF_NONE_MATCH)?;
    let manner = shared.manner(request.uri(), headers)?;
    let mut read = ReadMessage {
        message,
        if_none_match: None,
        wait: None,
        wait_for: WaitFor::End,
    };
    if let Some(condition) = known {
        // If the client knows several versions, only whether one is current matters.
        let operation = MessageOperation::Read(read.clone());
        if let MessageResponse::Current(message) =
            shared.ask_messages(caller.clone(), operation).await?
        {
            if !condition.is_met_by(&message.version) {
                return Ok(shown(&message, &manner));
            }
            if condition == Condition::Any {
                return Ok(unchanged(&message.version));
            }
            read.if_none_match = Some(message.version);
        }
    }
    read.wait = wait.map(|wait| wait.time);
    read.wait_for = wait.map(|wait| wait.wait_for).unwrap_or_default();
    let operation = MessageOperation::Read(read);
    let mut response = match shared.ask_messages(caller, operation).await? {
        MessageResponse::Current(message) => shown(&message, &manner),
        MessageResponse::Unchanged(version) => unchanged(&version),
        _ => return Err(Refusal::internal().into()),
    };
    applied(response.headers_mut(), wait);
    Ok(response)
}

pub(super) async fn cancel(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    path: Parts<String>,
    request: Request,
) -> Answer {
    let operation = MessageOperation::Cancel(id_of(path)?);
    let manner = shared.manner(request.uri(), request.headers())?;
    match shared.ask_messages(caller, operation).await? {
        MessageResponse::Current(message) => Ok(shown(&message, &manner)),
        _ => Err(Refusal::internal().into()),
    }
}

/// A message that was created.
struct Created {
    message: MessageView,
    is_replayed: bool,
}

impl Shared {
    async fn create_message(&self, caller: Caller, create: Create) -> Result<Created, Problem> {
        let operation = MessageOperation::Create(Box::new(create));
        let asked = self.ask_messages(caller, operation).await;
        let asked = asked.map_err(|problem| problem.with_field(flat_field));
        match asked? {
            MessageResponse::Created {
                message,
                is_replayed,
            } => Ok(Created {
                message,
                is_replayed,
            }),
            _ => Err(Refusal::internal().into()),
        }
    }
}

/// The name in the flat form of a transaction's field, if it differs.
fn flat_field(field: &str) -> Option<&'static str> {
    let (first, _) = field.split_once(['.', '[']).unwrap_or((field, ""));
    match first {
        "mail_from" => Some("from"),
        "rcpt_to" => Some("to"),
        // Everything else was checked before; only a reused blob can still be at fault.
        "body" => Some("attachments"),
        _ => None,
    }
}

fn create_of((sender, draft): (Sender, Draft)) -> Create {
    Create {
        sender,
        draft,
        wait: None,
        wait_for: WaitFor::End,
        idempotency_key: None,
    }
}

fn id_of(path: Parts<String>) -> Result<MessageId, Problem> {
    let id = part(path)?.parse();
    Ok(id.map_err(|_| Refusal::not_found("there is no such message"))?)
}

fn of_message(message: &MessageView, manner: &Manner) -> Value {
    message_to_json(message, |location| manner.base.uri(location))
}

fn shown(message: &MessageView, manner: &Manner) -> Response {
    let mut response = json_of(&of_message(message, manner));
    put_etag(&mut response, &message.version);
    response
}

fn unchanged(version: &Version) -> Response {
    let mut response = StatusCode::NOT_MODIFIED.into_response();
    put_etag(&mut response, version);
    response
}
