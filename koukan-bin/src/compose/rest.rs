//! Servers of the REST API.

use std::net::SocketAddr;

use koukan_core::{
    clock::SharedClock,
    stage::{event_reader::EventReader, operator::Operator, rest_handler::RestHandler},
};
use koukan_rest::{
    auth::{Auth, Token},
    server::{Server, ServerSettings},
};

use crate::config::{RestApi, RestListener};

use super::{StartError, explain::Explanations, stacks::Output};

/// What answers requests for transactions.
pub(crate) type Handler = RestHandler<Output>;

/// The API on one listener, which is bound to `address`, if it has one; `None` where it has no API.
pub(super) fn server(
    listener: &RestListener,
    limits: &RestApi,
    (handler, queue, events, explanations): (&Handler, &Operator, &EventReader, &Explanations),
    clock: &SharedClock,
    address: Option<SocketAddr>,
) -> Result<Option<Server>, StartError> {
    if !listener.api {
        return Ok(None);
    }
    let server = Server::new(handler.clone(), listener.settings(limits, address));
    let server = server.with_queue(queue.clone()).with_events(events.clone());
    let server = server
        .with_messages(handler.clone())
        .with_explanations(explanations.clone());
    if listener.token.is_empty() {
        return Ok(Some(server));
    }
    let tokens: Result<Vec<_>, _> = listener.token.iter().map(Token::try_from).collect();
    let tokens = tokens.map_err(|error| StartError::Config(error.to_string()))?;
    let auth = Auth::new(tokens, SharedClock::clone(clock));
    Ok(Some(server.with_auth(auth)))
}

/// The API for a server that is not the agent's: without tokens, and with limits as they are unless
/// something is said.
pub(super) fn api(handler: &Handler, queue: &Operator, events: &EventReader) -> axum::Router {
    let server = Server::new(handler.clone(), ServerSettings::default());
    let server = server.with_queue(queue.clone()).with_events(events.clone());
    server.with_messages(handler.clone()).router()
}
