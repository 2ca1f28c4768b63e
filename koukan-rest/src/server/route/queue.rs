//! `GET /queue?…`, `GET /queue/{id}`, `GET /queue/{id}/message`, `POST /queue/{id}/{action}`, `POST
//! /queue/{action}?…`: for operators.

use axum::{
    Extension,
    body::Body,
    extract::{Request, State},
    http::{
        HeaderValue,
        header::{CONTENT_LENGTH, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use koukan_core::{
    resource::{
        Caller, QueueChange, QueueFilter, QueueList, QueueOperation, QueueResponse, Refusal,
    },
    storage::{QueueState, record::QueueAction},
};

use crate::{
    schema::{changed_to_json, queue_to_json, queued_to_json},
    server::{
        answer::{Manner, json_of},
        problem::Problem,
        shared::Shared,
    },
};

use super::{
    Answer, Parts,
    parameters::{Pairs, Parameters},
    part, parts,
};

/// Parameters other than the search parameters.
const PARAMETERS: [&str; 5] = ["id", "sender", "state", "limit", "cursor"];
const CHANGE_PARAMETERS: [&str; 5] = ["id", "sender", "state", "dry_run", "all"];

pub(super) async fn list(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    query: Pairs,
    request: Request,
) -> Answer {
    let mut parameters = Parameters::of(query, &PARAMETERS)?;
    let list = QueueList {
        limit: parameters.positive("limit")?.unwrap_or_default(),
        cursor: parameters.take("cursor").map(Into::into),
        filter: filter(&mut parameters)?,
    };
    let operation = QueueOperation::List(list);
    let manner = shared.manner(request.uri(), request.headers())?;
    answer_with(&shared, caller, operation, &manner).await
}

pub(super) async fn show(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    path: Parts<String>,
    request: Request,
) -> Answer {
    let operation = QueueOperation::Show(part(path)?.into());
    let manner = shared.manner(request.uri(), request.headers())?;
    answer_with(&shared, caller, operation, &manner).await
}

/// `POST /queue/{action}`: changes many transactions at once.
pub(super) async fn change(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    path: Parts<String>,
    query: Pairs,
    request: Request,
) -> Answer {
    // A POST to a transaction without an action is not allowed.
    let action = action(&part(path)?).ok_or_else(Problem::wrong_method)?;
    let mut parameters = Parameters::of_change(query, &CHANGE_PARAMETERS)?;
    let is_dry = parameters.flag("dry_run")?;
    let is_all = parameters.flag("all")?;
    if !is_all && parameters.is_empty() {
        let detail = "nothing says which transactions are meant: give parameters as those of a \
                      list, or all=true";
        return Err(Refusal::malformed(detail).into());
    }
    let filter = filter(&mut parameters)?;
    let operation = QueueOperation::Change(QueueChange {
        action,
        filter,
        is_dry,
    });
    let manner = shared.manner(request.uri(), request.headers())?;
    answer_with(&shared, caller, operation, &manner).await
}

/// `POST /queue/{id}/{action}`.
pub(super) async fn change_one(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    path: Parts<[String; 2]>,
    request: Request,
) -> Answer {
    let [id, name] = parts(path)?;
    let action = action(&name).ok_or_else(Problem::no_route)?;
    let operation = QueueOperation::ChangeOne(id.into(), action);
    let manner = shared.manner(request.uri(), request.headers())?;
    answer_with(&shared, caller, operation, &manner).await
}

fn action(text: &str) -> Option<QueueAction> {
    let mut actions = QueueAction::ALL.into_iter();
    actions.find(|action| action.as_str() == text)
}

pub(super) async fn message(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    path: Parts<String>,
    request: Request,
) -> Answer {
    let operation = QueueOperation::Message(part(path)?.into());
    let manner = shared.manner(request.uri(), request.headers())?;
    answer_with(&shared, caller, operation, &manner).await
}

/// The transactions that the query selects.
fn filter(parameters: &mut Parameters) -> Result<QueueFilter, Refusal> {
    let state = match parameters.take("state").as_deref() {
        None => Some(QueueState::Unfinished),
        Some("any") => None,
        Some(text) => Some(state(text).ok_or_else(|| {
            let detail = "not one of waiting, held, scheduled, active, finished, unfinished, any";
            Refusal::malformed(detail).at("state")
        })?),
    };
    let id = parameters.take("id").map(|id| id.parse()).transpose();
    let id = id.map_err(|_| Refusal::malformed("not the id of a transaction").at("id"))?;
    let mut search = parameters.search()?;
    search.id = id;
    Ok(QueueFilter {
        sender: parameters.take("sender").map(Into::into),
        state,
        search,
    })
}

fn state(text: &str) -> Option<QueueState> {
    use QueueState::{Active, Finished, Held, Scheduled, Unfinished, Waiting};
    let mut states = [Waiting, Held, Scheduled, Active, Finished, Unfinished].into_iter();
    states.find(|state| state.as_str() == text)
}

async fn answer_with(
    shared: &Shared,
    caller: Caller,
    operation: QueueOperation,
    manner: &Manner,
) -> Answer {
    let response = shared.ask_queue(caller, operation).await?;
    Ok(answer(response, manner))
}

fn answer(response: QueueResponse, manner: &Manner) -> Response {
    let absolute = |location: &_| manner.base.uri(location);
    match response {
        QueueResponse::Listed(listed) => json_of(&queue_to_json(&listed, absolute)),
        QueueResponse::Shown(details) => json_of(&queued_to_json(&details, absolute)),
        QueueResponse::Changed(changed) => json_of(&changed_to_json(&changed)),
        QueueResponse::Message(body) => octets(body),
        QueueResponse::Refused(refusal) => Problem::from(refusal).into_response(),
        QueueResponse::Destinations(_)
        | QueueResponse::Destination(_)
        | QueueResponse::Suppressions(_)
        | QueueResponse::Suppression(_)
        | QueueResponse::Hooks(_)
        | QueueResponse::Hook(_) => Problem::from(Refusal::internal()).into_response(),
    }
}

/// A message. If it cannot be read to its end, the connection is broken, so that the client does
/// not take a part for the whole.
fn octets(body: koukan_core::body::Body) -> Response {
    let len = body.len();
    let mut response = Body::from_stream(body).into_response();
    let headers = response.headers_mut();
    let media_type = HeaderValue::from_static("message/rfc822");
    headers.insert(CONTENT_TYPE, media_type);
    if let Some(len) = len {
        headers.insert(CONTENT_LENGTH, len.into());
    }
    response
}
