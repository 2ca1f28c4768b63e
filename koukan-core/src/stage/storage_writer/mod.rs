//! Writes a transaction into storage as it arrives: the [`StorageWriter`].
//!
//! It hands the transaction to the output side at once, and answers each command with the reply
//! that comes back. It commits nothing by itself: a negative reply carries a
//! [`Custody`](crate::storage::Custody), with which whoever receives the reply can commit the
//! transaction.
//!
//! | answer | when |
//! |---|---|
//! | upstream's reply | upstream replies in time |
//! | [`Reply::destination_timeout`](crate::reply::Reply::destination_timeout) to MAIL or RCPT, with custody | upstream does not reply in time; the attempt goes on |
//! | [`Reply::elapsed`](crate::reply::Reply::elapsed) to the message, with custody | likewise |
//! | [`Reply::insufficient_storage`](crate::reply::Reply::insufficient_storage) | memory or disk space is short |
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//!
//! use koukan_core::{
//!     blob::{BlobPool, Limits},
//!     clock::SystemClock,
//!     context::Sender,
//!     service::BoxMailService,
//!     stage::{
//!         output_handler::{Chain, Notifications, OutputHandler, RetryPolicy},
//!         storage_writer::StorageWriter,
//!     },
//!     storage::{MemoryBackend, Storage},
//!     test_util::{Script, mail, rcpt, send},
//! };
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let pool = BlobPool::in_memory(Limits::default());
//! let storage = Storage::open(Arc::new(MemoryBackend::new()), pool, Arc::new(SystemClock)).await?;
//! let endpoint = Script::new();
//! let chain = Chain {
//!     service: BoxMailService::new(endpoint.clone()),
//!     retry: RetryPolicy::default(),
//! };
//! let notifications = Notifications {
//!     reporting_mta: "mx.example.com".into(),
//!     sender: Sender::new("notification"),
//! };
//! let output = OutputHandler::new(chain, notifications);
//! let writer = StorageWriter::new(storage, output).with_sender(Sender::new("out"));
//! let outcome = send(writer, mail("a@x"), [rcpt("b@y")], "\r\nhello\r\n").await;
//! assert!(outcome.message.unwrap().is_positive());
//! assert_eq!(endpoint.only_received().text(), "\r\nhello\r\n");
//! # Ok::<(), tower::BoxError>(())
//! # }).unwrap();
//! ```

mod direct;
mod replies;
mod service;
mod writing;

pub use self::service::{StorageWriter, StorageWriterTimeouts};
