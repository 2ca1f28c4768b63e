//! `POST /explain`: what would happen to a message; for operators.

use axum::{Extension, body::Body, extract::State, http::HeaderMap};
use koukan_core::resource::{Caller, Refusal};

use crate::{
    schema::{explain_from_json, explanation_to_json},
    server::{answer::json_of, json_content, shared::Shared},
};

use super::Answer;

pub(super) async fn explain(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    // Checked before anything is read for a caller that may not ask.
    if !caller.may_operate() {
        return Err(Refusal::not_for_all().into());
    }
    let of = |value| explain_from_json(&value);
    let read = json_content::read_held((&shared, &caller), &headers, body, of);
    let (explain, _held) = read.await?;
    let explanation = shared.ask_explanations(caller, explain).await?;
    Ok(json_of(&explanation_to_json(&explanation)))
}
