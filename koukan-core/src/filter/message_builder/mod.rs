//! Renders a message that is given as a description.
//!
//! A body that is a [`Composition`](crate::message::builder::Composition) goes on as the octets of
//! the message. So filters and endpoints after this one see what is sent; without the filter the
//! endpoint renders it. Any other body passes unchanged; a blob stays a blob.
//!
//! *Phases*: the body. Nothing is held: parts are encoded as they are read, even while they are
//! still being uploaded.
//!
//! *Signals*: none.
//!
//! | reply | when |
//! |---|---|
//! | [`Reply::message_too_big`](crate::reply::Reply::message_too_big) to the message | the rendered message has more than the allowed number of octets |
//! | [`Reply::bad_content`](crate::reply::Reply::bad_content) to the message | an attached message is not well-formed; see [`builder`](crate::message::builder) |
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//!
//! use koukan_core::{
//!     filter::message_builder::MessageBuilderLayer,
//!     message::builder::{Composition, Spec},
//!     middleware::{Next, State, from_fn_with_state},
//!     reply::Reply,
//!     test_util::{Script, mail, rcpt, send},
//!     transaction::Transaction,
//! };
//! use serde_json::json;
//! use tower::{BoxError, Layer};
//!
//! /// Whatever the client sends, the message is what is described.
//! async fn describe(
//!     State(spec): State<Arc<Spec>>,
//!     tx: Transaction,
//!     next: Next,
//! ) -> Result<Reply, BoxError> {
//!     let composition = Composition::new(spec, [])?;
//!     next.run(tx.map_body(|_| composition.into())).await
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let spec = Spec::from_json(&json!({
//!     "headers": [["from", [{"address": "alice@example.com"}]], ["subject", "hello"]],
//!     "text_body": [{"content_type": "text/plain", "content": {"inline": "hi bob"}}],
//! }))?;
//! let endpoint = Script::new();
//! let service = MessageBuilderLayer::new().with_max_size(1 << 20).layer(endpoint.clone());
//! let service = from_fn_with_state(Arc::new(spec), describe).layer(service);
//! send(service, mail("a@x"), [rcpt("b@y")], "\r\n").await;
//! assert!(endpoint.only_received().text().starts_with("From: alice@example.com\r\n"));
//! # Ok::<(), BoxError>(())
//! # }).unwrap();
//! ```

mod layer;
mod service;

pub use self::{layer::MessageBuilderLayer, service::MessageBuilder};
