//! `POST /senders/{sender}/transactions`.

use axum::{
    Extension,
    extract::{Request, State},
};
use koukan_core::resource::{Caller, Create, Operation};

use crate::{
    schema::create_from_json,
    server::{
        answer::{answer, applied},
        field::{idempotency_key, wait},
        json_content,
        shared::Shared,
    },
};

use super::{Answer, Parts, sender};

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
    let of = |json| create_from_json(&json, &name);
    let (sender, draft) = json_content::read((&shared, &caller), &head.headers, body, of).await?;
    let create = Create {
        sender,
        draft,
        wait: wait.map(|wait| wait.time),
        wait_for: wait.map(|wait| wait.wait_for).unwrap_or_default(),
        idempotency_key,
    };
    let response = shared
        .ask(caller, Operation::Create(Box::new(create)))
        .await?;
    let mut response = answer(response, &manner);
    applied(response.headers_mut(), wait);
    Ok(response)
}
