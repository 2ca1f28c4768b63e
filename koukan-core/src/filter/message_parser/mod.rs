//! Parses messages for endpoints and filters that need JSON.
//!
//! The message is held until it is complete, and is parsed ([`parser`](crate::message::parser)).
//! Then it goes on unchanged; a blob or a composition stays one, and is read by a second reader. A
//! message that is larger than the limit passes without being held, and without the signal.
//!
//! The parsed message is in the signal once `body.ready()` has returned:
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
//! *Phases*: the body, which it holds. A large message is parsed in a thread of its own.
//!
//! *Signals*: writes [`Parsed`](crate::signals::Parsed).
//!
//! | reply | when |
//! |---|---|
//! | [`Reply::insufficient_storage`](crate::reply::Reply::insufficient_storage), at the end | the transaction's account has no room for the message and the same amount of decoded text |

mod hold;
mod layer;
mod service;

pub use self::{
    layer::{MAX_SIZE, MessageParserLayer},
    service::MessageParser,
};
