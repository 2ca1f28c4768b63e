//! Takes fields out of header sections, and puts others in.
//!
//! Fields that are put in stand before all others. A field is replaced where one of its name is taken out and put in.
//! A message that is passed on by reference stays so where nothing is taken out of it. One that does not begin with a
//! header section is separated from what is put in by an empty line
//! ([`Opening`](crate::message::opening::Opening)).
//!
//! *Phases*: the header section of the message, which is held until it is whole and charged to the transaction's
//! account. What the message comes to ([`Parameters::size`](crate::path::Parameters::size)) grows by what is put in.
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
