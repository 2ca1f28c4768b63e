//! `/senders/{sender}/suppressions`: addresses to which a sender sends nothing; for operators.

use axum::{
    Extension,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use koukan_core::{
    path::Mailbox,
    resource::{
        Caller, QueueOperation, QueueResponse, Refusal, SuppressionAsked, SuppressionOperation,
    },
};

use crate::{
    schema::{suppression_to_json, suppressions_to_json},
    server::{answer::json_of, problem::Problem, shared::Shared},
};

use super::{
    Answer, Parts,
    parameters::{Pairs, Parameters, without_brackets},
    part,
};

pub(super) async fn list(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    path: Parts<String>,
    query: Pairs,
) -> Answer {
    let sender = part(path)?.into();
    let mut parameters = Parameters::alone(query, &["limit", "cursor"])?;
    let limit = parameters.positive("limit")?.unwrap_or_default();
    let after = parameters.address("cursor");
    let what = SuppressionAsked::List { limit, after };
    answer_with(&shared, caller, SuppressionOperation { sender, what }).await
}

pub(super) async fn show(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    path: Parts<[String; 2]>,
) -> Answer {
    let operation = of_one(path, SuppressionAsked::Show)?;
    answer_with(&shared, caller, operation).await
}

pub(super) async fn keep(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    path: Parts<[String; 2]>,
    query: Pairs,
) -> Answer {
    let mut parameters = Parameters::alone(query, &["reason"])?;
    let reason = parameters.take("reason").map(Into::into);
    let operation = of_one(path, |mailbox| SuppressionAsked::Keep { mailbox, reason })?;
    answer_with(&shared, caller, operation).await
}

pub(super) async fn remove(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    path: Parts<[String; 2]>,
) -> Answer {
    let operation = of_one(path, SuppressionAsked::Remove)?;
    answer_with(&shared, caller, operation).await
}

/// The parts of a path that ends in an address, which may hold characters that other parts may not.
fn of_one(
    path: Parts<[String; 2]>,
    what: impl FnOnce(Mailbox) -> SuppressionAsked,
) -> Result<SuppressionOperation, Problem> {
    let Path([sender, address]) = path.map_err(|_| Refusal::malformed("the path is not UTF-8"))?;
    let sender = part(Ok(Path(sender)))?;
    let mailbox = without_brackets(&address).parse::<Mailbox>();
    let mailbox = mailbox.map_err(|_| Refusal::malformed("the path does not end in an address"))?;
    Ok(SuppressionOperation {
        sender: sender.into(),
        what: what(mailbox),
    })
}

async fn answer_with(shared: &Shared, caller: Caller, operation: SuppressionOperation) -> Answer {
    let operation = QueueOperation::Suppressions(operation);
    let response = shared.ask_queue(caller, operation).await?;
    Ok(answer(response))
}

fn answer(response: QueueResponse) -> Response {
    match response {
        QueueResponse::Suppressions(listed) => json_of(&suppressions_to_json(&listed)),
        QueueResponse::Suppression(one) => json_of(&suppression_to_json(&one)),
        // The service has no other answers.
        _ => Problem::from(Refusal::internal()).into_response(),
    }
}
