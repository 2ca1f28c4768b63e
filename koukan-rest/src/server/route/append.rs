//! `PATCH /transactions/{id}`.

use axum::{
    Extension,
    extract::{Request, State},
    http::header::IF_MATCH,
};
use koukan_core::resource::{Append, Caller, Location, Operation};

use crate::{
    schema::append_from_json,
    server::{answer::answer, field::condition, json_content, shared::Shared},
};

use super::{Answer, Parts, part, read::matched};

pub(super) async fn append(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    path: Parts<String>,
    request: Request,
) -> Answer {
    let transaction = Location::of_transaction(part(path)?);
    let (head, body) = request.into_parts();
    let condition = condition::of(&head.headers, &IF_MATCH)?;
    let manner = shared.manner(&head.uri, &head.headers)?;
    let of = |json| append_from_json(&json);
    let read = json_content::read_any((&shared, &caller), &head.headers, body, of);
    // A request without content only shows that the originator is still there.
    let (draft, rcpt_to_list_offset) = read.await?.unwrap_or_default();
    let if_match = matched(&shared, &caller, &transaction, condition).await?;
    let append = Append {
        transaction,
        if_match,
        draft,
        rcpt_to_list_offset,
    };
    let response = shared
        .ask(caller, Operation::Append(Box::new(append)))
        .await?;
    Ok(answer(response, &manner))
}
