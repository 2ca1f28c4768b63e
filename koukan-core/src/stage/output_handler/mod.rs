//! One attempt at one stored transaction: the [`OutputHandler`].
//!
//! It drives the transaction through its sender's chain, writes replies back as they come, and says
//! when another attempt may be made. [`storage`](crate::storage), which knows the promises, decides
//! what follows.
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
//!         output_handler::{Chain, ChainMap, Notifications, OutputHandler, RetryPolicy, TurnAwayLayer},
//!         storage_writer::StorageWriter,
//!     },
//!     storage::{MemoryBackend, Storage},
//!     test_util::{Script, mail, rcpt, send},
//! };
//! use tower::Layer;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let pool = BlobPool::in_memory(Limits::default());
//! let storage = Storage::open(Arc::new(MemoryBackend::new()), pool, Arc::new(SystemClock)).await?;
//! let (customers, others) = (Script::new(), Script::new());
//! let chain = |endpoint: &Script| Chain {
//!     service: BoxMailService::new(endpoint.clone()),
//!     retry: RetryPolicy::default(),
//! };
//! // Which chain it is depends on the sender.
//! let chains = ChainMap::new()
//!     .with(Sender::new("customers"), chain(&customers))
//!     .with(Sender::new("others"), chain(&others));
//! let notifications = Notifications {
//!     reporting_mta: "mx.example.com".into(),
//!     sender: Sender::new("others"),
//! };
//! let output = OutputHandler::new(chains, notifications);
//! let writer = StorageWriter::new(storage.clone(), output).with_sender(Sender::new("customers"));
//! send(writer, mail("a@x"), [rcpt("b@y")], "\r\nhello\r\n").await;
//! assert_eq!(customers.received().len(), 1);
//! assert!(others.received().is_empty());
//!
//! // What does not come from the queue is turned away by the same rules.
//! let direct = TurnAwayLayer::new(storage).layer(others.clone());
//! let outcome = send(direct, mail("a@x"), [rcpt("b@y")], "\r\nhello\r\n").await;
//! assert!(outcome.message.unwrap().is_positive());
//! # Ok::<(), tower::BoxError>(())
//! # }).unwrap();
//! ```

mod attempt;
mod attempt_service;
mod chains;
mod delayed;
mod elsewhere;
mod expansion;
mod meeting;
mod notification;
mod outcome;
mod report;
mod rules;
mod schedule;
mod service;
mod success;
mod suppressed;
mod suspended;
mod turn_away;

pub use self::{
    attempt_service::AttemptService,
    chains::{Chain, ChainMap, Chains},
    expansion::ExpansionNotices,
    notification::Notifications,
    outcome::AttemptOutcome,
    rules::{DomainRules, RetryRules},
    schedule::RetryPolicy,
    service::OutputHandler,
    turn_away::{TurnAway, TurnAwayLayer},
};
pub(crate) use self::{expansion::Expanded, success::Gathering};
