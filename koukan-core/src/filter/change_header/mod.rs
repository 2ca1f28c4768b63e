//! Removes header fields, and adds others.
//!
//! Added fields stand before all others. To replace a field, remove and add one of its name. A message that is passed
//! on by reference stays a reference unless a field is removed. If a message does not begin with a header section, an
//! empty line separates it from the added fields ([`Opening`](crate::message::opening::Opening)).
//!
//! *Phases*: the header section of the message, which is held until it is complete, and is charged to the
//! transaction's account. The declared size ([`Parameters::size`](crate::path::Parameters::size)) grows by the added
//! octets.
//!
//! *Signals*: none.
//!
//! | reply | when |
//! |---|---|
//! | [`Reply::message_too_big`](crate::reply::Reply::message_too_big) to the message | the header section has more than [`HEADER_MAX`](crate::body::HEADER_MAX) octets |
//! | [`Reply::insufficient_storage`](crate::reply::Reply::insufficient_storage) to the message | the account has no room for the header section |
//!
//! # Example
//!
//! ```
//! use koukan_core::{
//!     filter::change_header::ChangeHeaderLayer,
//!     message::header_edit::HeaderEdit,
//!     test_util::{Script, mail, rcpt, send},
//! };
//! use tower::Layer;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let edit = HeaderEdit::default().without("X-Tag").with("X-Tag", "ours").unwrap();
//! let upstream = Script::new();
//! let service = ChangeHeaderLayer::new(edit).layer(upstream.clone());
//! let message = "Subject: hi\r\nX-Tag: theirs\r\n\r\nhello\r\n";
//! send(service, mail("a@x"), [rcpt("b@y")], message).await;
//! let received = upstream.only_received();
//! assert_eq!(received.text(), "X-Tag: ours\r\nSubject: hi\r\n\r\nhello\r\n");
//! # });
//! ```

mod layer;
mod service;

pub use self::{layer::ChangeHeaderLayer, service::ChangeHeader};
