//! Takes messages apart for endpoints and filters that want JSON.
//!
//! The message is held until it is whole, and parsed ([`parser`](crate::message::parser)); then it
//! goes on unchanged, and a blob or a composition as what it is, which is read beside. A message
//! that is larger than the limit passes without being held, and there is no signal.
//!
//! Whoever wants the parsed message finds the signal once `body.ready()` has returned:
//!
//! ```
//! use koukan_core::{reply::Reply, signals::Parsed, transaction::Transaction};
//! use tower::BoxError;
//!
//! async fn endpoint(mut tx: Transaction) -> Result<Reply, BoxError> {
//!     while let Some(rcpt) = tx.recipients.next().await? {
//!         rcpt.answer(Reply::recipient_ok());
//!     }
//!     tx.body.ready().await?;
//!     if let Some(parsed) = tx.signals.find::<Parsed>() {
//!         println!("{}", parsed.0.json["headers"]);
//!     }
//!     tx.body.discard().await?;
//!     Ok(Reply::message_accepted())
//! }
//! ```
//!
//! *Phases*: the body, which it holds. A large message is parsed on a thread for work that takes a
//! while.
//!
//! *Signals*: writes [`Parsed`](crate::signals::Parsed).
//!
//! | reply | when |
//! |---|---|
//! | [`Reply::insufficient_storage`](crate::reply::Reply::insufficient_storage), at the end | the transaction's account has no room for the message, and for as much again that may be decoded of it |

mod hold;
mod layer;
mod service;

pub use self::{
    layer::{MAX_SIZE, MessageParserLayer},
    service::MessageParser,
};
