//! The servers of the REST API.

use std::net::SocketAddr;

use koukan_core::{
    clock::SharedClock,
    stage::{event_reader::EventReader, operator::Operator, rest_handler::RestHandler},
};
use koukan_rest::{
    auth::{Auth, Token},
    server::{Replicas, Server, ServerSettings},
};

use crate::config::{RestApi, RestListener};

use super::{StartError, explain::Explanations, stacks::Output};

/// The service that answers requests for transactions.
pub(crate) type Handler = RestHandler<Output>;

/// The API of one listener, which is bound to `address` if it has one; `replicas` are the others
/// that share its database. `None` if the listener does not offer the API.
pub(super) fn server(
    listener: &RestListener,
    limits: &RestApi,
    parts: (&Handler, &Operator, &EventReader, &Explanations),
    clock: &SharedClock,
    (address, session_url, replicas): (Option<SocketAddr>, Option<&str>, Option<&Replicas>),
) -> Result<Option<Server>, StartError> {
    if !listener.api {
        return Ok(None);
    }
    let server = with_all(listener.settings(limits, (address, session_url)), parts);
    let server = match replicas.cloned() {
        Some(replicas) => server.with_replicas(replicas.passing_all_on(listener.session_proxy)),
        None => server,
    };
    if listener.token.is_empty() {
        return Ok(Some(server));
    }
    let tokens: Result<Vec<_>, _> = listener.token.iter().map(Token::try_from).collect();
    let tokens = tokens.map_err(|error| StartError::Config(error.to_string()))?;
    let auth = Auth::new(tokens, SharedClock::clone(clock));
    Ok(Some(server.with_auth(auth)))
}

/// The API for a server that the embedder runs: without tokens, and with default limits.
pub(super) fn api(parts: (&Handler, &Operator, &EventReader, &Explanations)) -> axum::Router {
    with_all(ServerSettings::default(), parts).router()
}

/// A server with all services of the API.
fn with_all(
    settings: ServerSettings,
    (handler, queue, events, explanations): (&Handler, &Operator, &EventReader, &Explanations),
) -> Server {
    Server::new(handler.clone(), settings)
        .with_queue(queue.clone())
        .with_events(events.clone())
        .with_messages(handler.clone())
        .with_explanations(explanations.clone())
}
