//! `GET /destinations?…`, `GET /destinations/{name}`, `POST /destinations/{name}/{action}`: for operators.

use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Response},
};
use koukan_core::resource::{
    Caller, DestinationAction, DestinationName, DestinationOperation, QueueOperation,
    QueueResponse, Refusal,
};

use crate::{
    schema::{destination_to_json, destinations_to_json},
    server::{answer::json_of, problem::Problem, shared::Shared},
};

use super::{
    Answer, Parts,
    parameters::{Pairs, Parameters},
    part, parts,
};

pub(super) async fn list(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    query: Pairs,
) -> Answer {
    let mut parameters = Parameters::alone(query, &["limit"])?;
    let limit = parameters.positive("limit")?.unwrap_or_default();
    answer_with(&shared, caller, DestinationOperation::List { limit }).await
}

pub(super) async fn show(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    path: Parts<String>,
) -> Answer {
    let name = DestinationName::parse(&part(path)?)?;
    answer_with(&shared, caller, DestinationOperation::Show(name)).await
}

pub(super) async fn change(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    path: Parts<[String; 2]>,
) -> Answer {
    let [name, action] = parts(path)?;
    let mut actions = DestinationAction::ALL.into_iter();
    let action = actions.find(|known| known.as_str() == action);
    let action = action.ok_or_else(Problem::no_route)?;
    let name = DestinationName::parse(&name)?;
    answer_with(&shared, caller, DestinationOperation::Change(name, action)).await
}

async fn answer_with(shared: &Shared, caller: Caller, operation: DestinationOperation) -> Answer {
    let operation = QueueOperation::Destinations(operation);
    let response = shared.ask_queue(caller, operation).await?;
    Ok(answer(response))
}

fn answer(response: QueueResponse) -> Response {
    match response {
        QueueResponse::Destinations(listed) => json_of(&destinations_to_json(&listed)),
        QueueResponse::Destination(view) => json_of(&destination_to_json(&view)),
        // The service has no other answers.
        _ => Problem::from(Refusal::internal()).into_response(),
    }
}
