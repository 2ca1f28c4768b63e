//! `GET /senders/{sender}/transactions?state=&mail_from=&recipient=&domain=&destination=&since=&until=&reply=&limit=&cursor=`.

use axum::{
    Extension,
    extract::{Request, State},
};
use koukan_core::resource::{Caller, ListState, ListTransactions, Operation, Refusal};

use crate::server::{answer::answer, shared::Shared};

use super::{
    Answer, Parts,
    parameters::{Pairs, Parameters},
    sender,
};

/// How many transactions a list has if the client does not say.
const LIMIT: usize = 100;

/// Parameters other than the search parameters. Lists always show the full view, so `view` has no effect.
const PARAMETERS: [&str; 4] = ["state", "limit", "cursor", "view"];

pub(super) async fn list(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    path: Parts<String>,
    query: Pairs,
    request: Request,
) -> Answer {
    let sender = sender(path, &caller)?;
    let parameters = Parameters::of(query, &PARAMETERS)?;
    let list = list_of(parameters, sender.into())?;
    let manner = shared.manner(request.uri(), request.headers())?;
    let response = shared.ask(caller, Operation::List(list)).await?;
    Ok(answer(response, &manner))
}

/// The list that the query asks for.
fn list_of(mut parameters: Parameters, sender: Box<str>) -> Result<ListTransactions, Refusal> {
    let state = match parameters.take("state").as_deref() {
        None => None,
        Some("waiting") => Some(ListState::Waiting),
        Some("scheduled") => Some(ListState::Scheduled),
        Some("active") => Some(ListState::Active),
        Some("finished") => Some(ListState::Finished),
        Some(_) => {
            let detail = "not one of waiting, scheduled, active, finished";
            return Err(Refusal::malformed(detail).at("state"));
        }
    };
    Ok(ListTransactions {
        sender,
        state,
        limit: parameters.positive("limit")?.unwrap_or(LIMIT),
        search: parameters.search()?,
        cursor: parameters.take("cursor").map(Into::into),
    })
}
