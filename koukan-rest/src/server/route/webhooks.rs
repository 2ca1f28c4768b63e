//! `GET /webhooks`, `GET /webhooks/{name}`, `POST /webhooks/{name}/{action}`: for operators.

use axum::{
    Extension,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use koukan_core::resource::{
    Caller, HookAction, HookOperation, QueueOperation, QueueResponse, Refusal,
};

use crate::{
    schema::{hook_to_json, hooks_to_json},
    server::{answer::json_of, problem::Problem, shared::Shared},
};

use super::{Answer, Parts};

pub(super) async fn list(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
) -> Answer {
    answer_with(&shared, caller, HookOperation::List).await
}

pub(super) async fn show(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    path: Parts<String>,
) -> Answer {
    let name = named(path)?;
    answer_with(&shared, caller, HookOperation::Show(name.into())).await
}

pub(super) async fn change(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    path: Parts<[String; 2]>,
) -> Answer {
    let [name, action] = named(path)?;
    let mut actions = HookAction::ALL.into_iter();
    let action = actions.find(|known| known.as_str() == action);
    let action = action.ok_or_else(Problem::no_route)?;
    answer_with(&shared, caller, HookOperation::Change(name.into(), action)).await
}

/// The parts of the path; the name of a webhook may be a URL.
fn named<T>(path: Parts<T>) -> Result<T, Problem> {
    let Path(parts) = path.map_err(|_| Refusal::malformed("the path is not UTF-8"))?;
    Ok(parts)
}

async fn answer_with(shared: &Shared, caller: Caller, operation: HookOperation) -> Answer {
    let operation = QueueOperation::Hooks(operation);
    let response = shared.ask_queue(caller, operation).await?;
    Ok(answer(response))
}

fn answer(response: QueueResponse) -> Response {
    match response {
        QueueResponse::Hooks(views) => json_of(&hooks_to_json(&views)),
        QueueResponse::Hook(view) => json_of(&hook_to_json(&view)),
        // The service has no other answers.
        _ => Problem::from(Refusal::internal()).into_response(),
    }
}
