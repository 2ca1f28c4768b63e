//! Charges the octets of a transaction to its client.
//!
//! It stands outside of everything that an agent does for its clients, so that filters which hold
//! whole messages are charged for it ([`Signals::account`](crate::signals::Signals::account)). The
//! [`Exploder`](crate::stage::exploder::Exploder) and the storage do the same for transactions without
//! an account. Nothing is refused here.
//!
//! # Example
//!
//! ```
//! use koukan_core::{
//!     blob::{BlobPool, Limits},
//!     middleware::{ChargeLayer, Next, from_fn},
//!     reply::Reply,
//!     test_util::{Script, mail, rcpt, send},
//!     transaction::Transaction,
//! };
//! use tower::{BoxError, Layer};
//!
//! async fn is_charged(tx: Transaction, next: Next) -> Result<Reply, BoxError> {
//!     assert!(tx.signals.account().is_some());
//!     next.run(tx).await
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let pool = BlobPool::in_memory(Limits::default());
//! let service = ChargeLayer::new(pool).layer(from_fn(is_charged).layer(Script::new()));
//! let outcome = send(service, mail("a@x"), [rcpt("b@y")], "\r\nhello\r\n").await;
//! assert_eq!(outcome.message, Some(Reply::message_accepted()));
//! # Ok::<(), tower::BoxError>(())
//! # }).unwrap();
//! ```

mod layer;
mod service;

pub use self::{layer::ChargeLayer, service::ChargeService};
