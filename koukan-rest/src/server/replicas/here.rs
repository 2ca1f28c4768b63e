//! Answers requests at this replica, unless another one takes over what they are about.

use axum::{
    extract::Request,
    http::{Method, StatusCode},
    middleware::Next,
    response::Response,
};
use koukan_core::storage::record::TransactionId;

use super::{super::field::wait, Known, Problem, Shared, fields::without_content, pass_on::silent};

/// Answers at this replica. If another replica takes over what a waiting read is about, the read goes there.
pub(super) async fn answer_here(
    shared: &Shared,
    known: &Known,
    id: TransactionId,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if !is_hanging(shared, &request) {
        return Ok(next.run(request).await);
    }
    let (head, _) = request.into_parts();
    let again = without_content(head.clone());
    let there = {
        let here = next.clone().run(without_content(head));
        tokio::select! {
            biased;
            response = here => return Ok(response),
            there = known.replicas.storage.moved(id) => there,
        }
    };
    if !known.may_redirect(shared, &again) {
        return pass_on_or_answer(shared, known, &there, again, next).await;
    }
    match known.is_there(&there).await {
        true => super::redirect(&there, &again),
        false => answer_for_silent(again, next).await,
    }
}

/// Answers for a replica that does not answer. A read gets the state that is known here, unless nothing is: the other
/// replica may still have the transaction.
pub(super) async fn answer_for_silent(request: Request, next: Next) -> Result<Response, Problem> {
    if *request.method() != Method::GET {
        return Err(silent());
    }
    let response = next.run(request).await;
    match response.status() == StatusCode::NOT_FOUND {
        true => Err(silent()),
        false => Ok(response),
    }
}

/// Passes a read on. If the other replica does not answer, the state known here is better than nothing.
pub(super) async fn pass_on_or_answer(
    shared: &Shared,
    known: &Known,
    there: &str,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let (head, _) = request.into_parts();
    let again = without_content(head.clone());
    let request = without_content(head);
    match known.pass_on(shared, there, request).await {
        Err(problem) => {
            let response = next.run(again).await;
            // The other replica may still have the transaction.
            match response.status() == StatusCode::NOT_FOUND {
                true => Err(problem),
                false => Ok(response),
            }
        }
        passed_on => passed_on,
    }
}

fn is_hanging(shared: &Shared, request: &Request) -> bool {
    let max = shared.settings.max_wait;
    let wait = wait::of(request.uri(), request.headers(), max);
    let wait = wait.ok().flatten();
    *request.method() == Method::GET && wait.is_some_and(|wait| !wait.time.is_zero())
}
