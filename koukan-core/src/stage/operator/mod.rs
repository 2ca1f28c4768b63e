//! The queue for operators: the [`Operator`].
//!
//! It reads everything that storage keeps, whoever submitted it, and asks nobody else: the state of a
//! transaction that is being worked on is its state at this moment. Each change is reported to
//! observers as [`Operated`](crate::event::Operated).
//!
//! | refusal | when |
//! |---|---|
//! | forbidden | the caller may not operate the agent ([`Role::Operate`](crate::resource::Role)) |
//! | not found | there is no such transaction, or its message is not kept, or not complete yet |
//! | malformed | the cursor is invalid |
//! | conflict | the transaction cannot be changed in this way; or a destination that is to be retried is suspended |
//! | unavailable | storage fails |
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//!
//! use koukan_core::{
//!     blob::{BlobPool, Limits},
//!     clock::SystemClock,
//!     resource::{Caller, QueueList, QueueOperation, QueueRequest, QueueResponse, Role},
//!     stage::operator::Operator,
//!     storage::{MemoryBackend, Storage},
//! };
//! use tower::ServiceExt;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let pool = BlobPool::in_memory(Limits::default());
//! let storage = Storage::open(Arc::new(MemoryBackend::new()), pool, Arc::new(SystemClock)).await?;
//! let request = |role| QueueRequest {
//!     caller: Caller::unrestricted().with_role(role),
//!     operation: QueueOperation::List(QueueList::default()),
//! };
//! let operator = Operator::new(storage);
//! let response = operator.clone().oneshot(request(Role::Operate)).await?;
//! assert!(matches!(response, QueueResponse::Listed(listed) if listed.transactions.is_empty()));
//! let response = operator.oneshot(request(Role::Submit)).await?;
//! assert!(matches!(response, QueueResponse::Refused(_)));
//! # Ok::<(), tower::BoxError>(())
//! # }).unwrap();
//! ```

mod change;
mod destinations;
mod hooks;
mod list;
mod service;
mod show;
mod suppressions;

pub use self::service::Operator;
