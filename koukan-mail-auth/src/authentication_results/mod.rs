//! Adds the field `Authentication-Results`, which tells readers of a message what the checks of its sender found.
//!
//! The field holds the results of the signals `spf`, `dkim`, `dmarc` and `arc`, so this filter stands behind the
//! filters that write them. Fields of the same name that arrive with the message and claim to come from this agent
//! are removed, since readers trust them.
//!
//! *Phases*: the message. Its header section is read before it goes on. A message that is passed on by reference
//! stays a reference, unless a field is removed from it.
//!
//! *Signals*: reads [`Spf`](crate::spf_check::Spf), [`Dkim`](crate::dkim_check::Dkim) and
//! [`Dmarc`](crate::dmarc_check::Dmarc).
//!
//! | reply | when |
//! |---|---|
//! | [`Reply::message_too_big`](koukan_core::reply::Reply::message_too_big), at the end | its header section is longer than [`HEADER_MAX`](crate::dkim::HEADER_MAX) |
//!
//! *Source*: RFC 8601.
//!
//! # Example
//!
//! ```
//! use koukan_core::test_util::{Script, mail, rcpt, send};
//! use koukan_mail_auth::authentication_results::AuthenticationResultsLayer;
//! use tower::Layer;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let endpoint = Script::new();
//! let service = AuthenticationResultsLayer::new("mx.example.net")?.layer(endpoint.clone());
//! // It claims to have been checked here.
//! let message = "Authentication-Results: mx.example.net; spf=pass\r\nFrom: alice@example.com\r\n\r\nhello\r\n";
//! send(service, mail("alice@example.com"), [rcpt("bob@y")], message).await;
//! assert!(!endpoint.only_received().text().contains("spf=pass"));
//! # Ok::<(), tower::BoxError>(())
//! # }).unwrap();
//! ```

mod claim;
mod field;
mod layer;
mod service;

pub use self::{layer::AuthenticationResultsLayer, service::AuthenticationResults};
