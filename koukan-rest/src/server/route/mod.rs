//! The routes, one file each.

mod append;
mod cancel;
mod create;
mod destinations;
mod events;
mod explain;
mod list;
mod messages;
mod parameters;
mod parsed;
mod queue;
mod read;
mod suppressions;
mod upload;
mod webhooks;

use axum::{
    Router,
    extract::{Path, Request, State, rejection::PathRejection},
    middleware::{Next, from_fn_with_state},
    response::Response,
    routing::{get, post, put},
};
use koukan_core::resource::{Caller, Refusal};

use crate::schema::openapi;

use super::{
    answer::json_of,
    problem::Problem,
    replicas::find_replica,
    shared::{Asking, Shared},
};

/// The result of a route.
type Answer = Result<Response, Problem>;

/// Parts of the path, or why they could not be read.
type Parts<T> = Result<Path<T>, PathRejection>;

/// All routes.
pub(super) fn routes(shared: Shared) -> Router {
    Router::new()
        .route(
            "/senders/{sender}/transactions",
            post(create::create).get(list::list),
        )
        .route("/senders/{sender}/messages", post(messages::create))
        .route("/senders/{sender}/messages/batch", post(messages::batch))
        .merge(of_replicas(&shared))
        .route("/queue", get(queue::list))
        .route("/queue/{id}", get(queue::show).post(queue::change))
        .route("/queue/{id}/{action}", post(queue::change_one))
        .route("/queue/{id}/message", get(queue::message))
        .route("/destinations", get(destinations::list))
        .route("/destinations/{name}", get(destinations::show))
        .route("/destinations/{name}/{action}", post(destinations::change))
        .route("/senders/{sender}/suppressions", get(suppressions::list))
        .route(
            "/senders/{sender}/suppressions/{address}",
            get(suppressions::show)
                .put(suppressions::keep)
                .delete(suppressions::remove),
        )
        .route("/explain", post(explain::explain))
        .route("/webhooks", get(webhooks::list))
        .route("/events", get(events::read))
        // The routes below need no token.
        .route_layer(from_fn_with_state(shared.clone(), authenticate))
        .route("/openapi.json", get(async || json_of(&openapi())))
        .fallback(async || Problem::no_route())
        .method_not_allowed_fallback(async || Problem::wrong_method())
        .with_state(shared)
}

/// Routes about one transaction, message or webhook, which another replica may have.
fn of_replicas(shared: &Shared) -> Router<Shared> {
    let routes = Router::new()
        .route("/messages/{id}", get(messages::read))
        .route("/messages/{id}/cancel", post(messages::cancel))
        .route("/transactions/{id}", get(read::read).patch(append::append))
        .route("/transactions/{id}/body", put(upload::body))
        .route("/transactions/{id}/blob/{blob}", put(upload::blob))
        .route(
            "/transactions/{id}/message_builder",
            post(parsed::parsed).put(parsed::parsed),
        )
        .route("/transactions/{id}/cancel", post(cancel::cancel))
        .route("/webhooks/{name}", get(webhooks::show))
        .route("/webhooks/{name}/{action}", post(webhooks::change));
    match shared.replicas {
        Some(_) => routes.route_layer(from_fn_with_state(shared.clone(), find_replica)),
        None => routes,
    }
}

/// Admits only callers with a token, before anything else of the request is looked at.
async fn authenticate(State(shared): State<Shared>, mut request: Request, next: Next) -> Answer {
    // An outer layer has identified the caller.
    let asking = request.extensions_mut().remove::<Asking>();
    let asking = asking.unwrap_or_else(|| shared.asking(&request));
    let caller = asking.into_caller()?;
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

/// The only part of the path.
fn part(path: Parts<String>) -> Result<String, Problem> {
    parts(path.map(|Path(part)| Path([part]))).map(|[part]| part)
}

/// The only part of the path: the name of a sender for which the caller may act.
fn sender(path: Parts<String>, caller: &Caller) -> Result<String, Problem> {
    let name = part(path)?;
    match caller.may_act_for(&name) {
        true => Ok(name),
        false => Err(Problem::forbidden_sender()),
    }
}

/// The parts of the path.
fn parts<T: AsRef<[String]>>(path: Parts<T>) -> Result<T, Problem> {
    let Path(parts) = path.map_err(|_| Refusal::malformed("the path is not UTF-8"))?;
    if parts.as_ref().iter().all(|part| is_plain(part)) {
        Ok(parts)
    } else {
        Err(Problem::no_route())
    }
}

/// Whether a part of a path is still one part when it is put into another path.
fn is_plain(part: &str) -> bool {
    let is_special = |c: char| c.is_control() || "/\\?#%".contains(c);
    !part.contains(is_special) && part != "." && part != ".."
}
