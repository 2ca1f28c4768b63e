//! HTTP for Koukan.
//!
//! ```text
//! fn(ResourceService) -> axum::Router
//! ```
//!
//! Offers the transaction resource of `koukan-core` to HTTP clients:
//!
//! | module | what it does |
//! |---|---|
//! | [`server`] | answers HTTP requests with a resource service |
//! | [`client`] | a resource service that asks a server by HTTP (feature `client`, on by default) |
//! | [`schema`] | the transaction as JSON, both ways |
//! | [`auth`] | authenticates callers by bearer tokens |
//! | [`health`] | tells an orchestrator whether the agent is alive and takes mail |
//! | [`webhook`] | reports events to HTTP servers (needs the feature `client`) |
//! | [`metrics`] | the endpoint that Prometheus scrapes |
//!
//! # Example
//!
//! A queue of one's own by HTTP; the routes go into any axum application:
//!
//! ```
//! use axum::body::Body;
//! use koukan_core::{context::Sender, stage::store_and_forward::StoreAndForward, test_util::Script};
//! use koukan_rest::server::{Server, ServerSettings};
//! use tower::ServiceExt;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let queue = StoreAndForward::builder(Script::new()).open().await?;
//! let api = queue.resources([(Sender::new("app"), Default::default())]);
//! let routes = Server::new(api, ServerSettings::default()).router();
//! let message = r#"{
//!     "mail_from": {"m": "alice@example.com"}, "rcpt_to": [{"m": "bob@example.com"}],
//!     "body": {"message_builder": {"text_body": [{"content_type": "text/plain", "content": {"inline": "hello"}}]}}}"#;
//! let request = http::Request::post("/senders/app/transactions").header("content-type", "application/json");
//! let response = routes.oneshot(request.body(Body::from(message))?).await?;
//! assert_eq!(response.status(), http::StatusCode::CREATED);
//! # Ok::<(), tower::BoxError>(())
//! # })?;
//! # Ok::<(), tower::BoxError>(())
//! ```
//!
//! # Features
//!
//! | | |
//! |---|---|
//! | `client` | on by default: the client and webhooks, and with them TLS by aws-lc-rs |
//! | `tls` | HTTP over TLS, for the server |
//!
//! # Types of other crates in the API
//!
//! `axum::Router` and `axum::body::Body`, `http`'s requests and responses, `http_body::Body`, `bytes::Bytes`, `jiff::Timestamp`,
//! `serde_json::Value`, `tower`'s `Service` and `BoxError`, and those of `koukan-core`.
//!
//! Minimum supported Rust version: 1.88.

pub mod auth;
#[cfg(feature = "client")]
pub mod client;
pub mod health;
pub mod metrics;
pub mod schema;
pub mod server;
#[cfg(feature = "client")]
pub mod webhook;
