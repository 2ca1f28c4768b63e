//! `POST` and `PUT /transactions/{id}/message_builder`.

use axum::{
    Extension,
    extract::{Request, State},
    http::header::IF_MATCH,
};
use koukan_core::resource::{Caller, Location, Operation, ParsedUpload};

use crate::server::{answer::answer, field::condition, json_content, shared::Shared};

use super::{Answer, Parts, part, read::matched};

pub(super) async fn parsed(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    path: Parts<String>,
    request: Request,
) -> Answer {
    let transaction = Location::of_transaction(part(path)?);
    let (head, body) = request.into_parts();
    let condition = condition::of(&head.headers, &IF_MATCH)?;
    let manner = shared.manner(&head.uri, &head.headers)?;
    let message = json_content::read((&shared, &caller), &head.headers, body, Ok).await?;
    let if_match = matched(&shared, &caller, &transaction, condition).await?;
    let parsed = ParsedUpload {
        to: transaction.join("message_builder"),
        if_match,
        message,
    };
    let response = shared.ask(caller, Operation::Parsed(parsed)).await?;
    Ok(answer(response, &manner))
}
