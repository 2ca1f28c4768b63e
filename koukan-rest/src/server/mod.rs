//! The server: the [transaction resource](koukan_core::resource) over HTTP.
//!
//! ```text
//! fn(ResourceService, ServerSettings) -> axum::Router
//! ```
//!
//! [`Server`] makes an axum router of any [`ResourceService`]; [`serve`] answers connections with
//! it. The service decides; what is here only translates:
//!
//! | module | translates |
//! |---|---|
//! | `route` | a request of each route into an operation |
//! | `field` | header fields: waits, conditions, ranges, keys |
//! | `json_content`, `upload_content` | content: JSON at once, uploads chunk by chunk |
//! | `answer`, `problem` | what the service answers into an HTTP response |
//! | `sound`, `host` | nothing: what is no proper request, or is for another host, is refused |
//! | `unread` | nothing: what is left of content that nobody has read |
//! | `layers` | nothing: what goes around all routes |
//! | `connections` | connections into requests |
//! | `replicas` | nothing: what another replica answers for is sent there |
//!
//! No upload is held in memory; JSON is, up to [`ServerSettings::max_json`]. Whatever goes wrong
//! is answered as `application/problem+json` without anything internal.
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
mod settings;
mod shared;
mod sound;
mod unread;
mod upload_content;

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
/// Without [`Server::with_auth`] everybody may do everything: for a listener on the loopback
/// interface only.
pub struct Server {
    shared: Shared,
}

impl Server {
    /// A server that asks `service`.
    pub fn new(service: impl ResourceService, settings: ServerSettings) -> Self {
        Self {
            shared: Shared::new(service, settings),
        }
    }

    /// Shows the queue to those who may operate the agent.
    #[must_use]
    pub fn with_queue(mut self, queue: impl QueueService) -> Self {
        self.shared = self.shared.with_queue(queue);
        self
    }

    /// Takes messages in the flat form, with a transaction for each recipient.
    #[must_use]
    pub fn with_messages(mut self, messages: impl MessageService) -> Self {
        self.shared = self.shared.with_messages(messages);
        self
    }

    /// Shows events to those who may act for their senders.
    #[must_use]
    pub fn with_events(mut self, events: impl EventService) -> Self {
        self.shared = self.shared.with_events(events);
        self
    }

    /// Explains what would become of messages, to those who may operate the agent.
    #[must_use]
    pub fn with_explanations(mut self, explanations: impl ExplainService) -> Self {
        self.shared = self.shared.with_explanations(explanations);
        self
    }

    /// Sends requests for what another replica answers for there.
    #[must_use]
    pub fn with_replicas(mut self, replicas: Replicas) -> Self {
        let max = self.shared.settings.max_requests;
        self.shared.replicas = Some(replicas::Known::new(replicas, max));
        self
    }

    /// Lets in only who has a token.
    ///
    /// Without it, and where the settings tell the address that is listened on, requests for hosts
    /// that are not this server are refused: a browser asked for them on behalf of some web site.
    #[must_use]
    pub fn with_auth(mut self, auth: Auth) -> Self {
        self.shared.auth = Some(auth);
        self
    }

    /// The routes, with all layers around them.
    ///
    /// Those of [`health`](crate::health) can be merged with it: they need no token, and no limit.
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
