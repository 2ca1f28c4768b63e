//! The server: the [transaction resource](koukan_core::resource) over HTTP.
//!
//! ```text
//! fn(ResourceService, ServerSettings) -> axum::Router
//! ```
//!
//! [`Server`] makes an axum router of any [`ResourceService`]; [`serve`] answers connections with
//! the router. The service decides; this module only translates:
//!
//! | module | translates |
//! |---|---|
//! | `route` | a request of each route into an operation |
//! | `field` | header fields: waits, conditions, ranges, keys |
//! | `json_content`, `upload_content` | content: JSON at once, uploads chunk by chunk |
//! | `answer`, `problem` | the service's answers into HTTP responses |
//! | `sound`, `host` | nothing: refuse malformed requests, and requests for other hosts |
//! | `unread` | nothing: deals with content that was not read |
//! | `sending` | nothing: charges responses until they were sent |
//! | `whole` | nothing: tells content that was broken off from content that has ended |
//! | `layers` | nothing: the layers around all routes |
//! | `connections` | connections into requests |
//! | `replicas` | nothing: sends requests to the replica that has to answer them |
//!
//! No upload is held in memory; a JSON document is, up to [`ServerSettings::max_json`]. Errors are
//! answered as `application/problem+json`, without internal details.
//!
//! # Example
//!
//! ```no_run
//! use koukan_core::resource::ResourceService;
//! use koukan_rest::server::{Server, ServerSettings, serve};
//!
//! # async fn run(service: impl ResourceService) -> std::io::Result<()> {
//! let router = Server::new(service, ServerSettings::default()).router();
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8000").await?;
//! serve(listener, router, std::future::pending()).await
//! # }
//! ```

mod answer;
mod base;
mod connections;
mod failures;
mod field;
mod host;
mod json_content;
mod layers;
mod patient_io;
mod problem;
mod replicas;
mod request_ids;
mod route;
mod sending;
mod settings;
mod shared;
mod sound;
mod unread;
mod upload_content;
mod whole;

pub use self::{
    connections::{ConnectionSettings, serve, serve_with},
    replicas::Replicas,
    settings::ServerSettings,
};

use std::fmt;

use axum::Router;
use koukan_core::resource::{
    EventService, ExplainService, MessageService, QueueService, ResourceService,
};

use crate::auth::Auth;

use self::shared::Shared;

/// Answers HTTP requests with a [`ResourceService`].
///
/// Without [`Server::with_auth`] everybody may do everything, so use that only for a listener on
/// the loopback interface.
pub struct Server {
    shared: Shared,
}

impl Server {
    /// Makes a server that calls `service`.
    pub fn new(service: impl ResourceService, settings: ServerSettings) -> Self {
        Self {
            shared: Shared::new(service, settings),
        }
    }

    /// Offers the queue to operators.
    #[must_use]
    pub fn with_queue(mut self, queue: impl QueueService) -> Self {
        self.shared = self.shared.with_queue(queue);
        self
    }

    /// Accepts messages in the flat form, with a transaction for each recipient.
    #[must_use]
    pub fn with_messages(mut self, messages: impl MessageService) -> Self {
        self.shared = self.shared.with_messages(messages);
        self
    }

    /// Offers events to callers that may act for their senders.
    #[must_use]
    pub fn with_events(mut self, events: impl EventService) -> Self {
        self.shared = self.shared.with_events(events);
        self
    }

    /// Explains to operators what would happen to a message.
    #[must_use]
    pub fn with_explanations(mut self, explanations: impl ExplainService) -> Self {
        self.shared = self.shared.with_explanations(explanations);
        self
    }

    /// Sends a request to the replica that has to answer it.
    #[must_use]
    pub fn with_replicas(mut self, replicas: Replicas) -> Self {
        let max = self.shared.settings.max_requests;
        self.shared.replicas = Some(replicas::Known::new(replicas, max));
        self
    }

    /// Requires a token.
    ///
    /// Without this, and if the settings have the address that the server listens on, requests for
    /// other hosts are refused: a browser may have sent them on behalf of a web site.
    #[must_use]
    pub fn with_auth(mut self, auth: Auth) -> Self {
        self.shared.auth = Some(auth);
        self
    }

    /// The routes, with all layers around them.
    ///
    /// The routes of [`health`](crate::health) can be merged with this router: they then need no
    /// token and have no limit.
    pub fn router(self) -> Router {
        let routes = route::routes(self.shared.clone());
        layers::around(routes, &self.shared)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("settings", &self.shared.settings)
            .field("auth", &self.shared.auth)
            .finish_non_exhaustive()
    }
}
