//! `POST /transactions/{id}/cancel`.

use axum::{
    Extension,
    extract::{Request, State},
};
use koukan_core::resource::{Caller, Location, Operation};

use crate::server::{answer::answer, shared::Shared};

use super::{Answer, Parts, part};

pub(super) async fn cancel(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    path: Parts<String>,
    request: Request,
) -> Answer {
    let transaction = Location::of_transaction(part(path)?);
    let manner = shared.manner(request.uri(), request.headers())?;
    let response = shared.ask(caller, Operation::Cancel(transaction)).await?;
    Ok(answer(response, &manner))
}
