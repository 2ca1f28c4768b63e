//! The transaction as a resource, over this process's storage: the [`RestHandler`].
//!
//! It is a thin layer: requests go into [`Storage`](crate::storage::Storage), and answers come out
//! of it. There are two dialects; the sender's [`SenderPolicy`] chooses between them:
//!
//! - [`Dialect::Whole`], for applications: MAIL and RCPT come with the create, and the message with
//!   it or by upload. The transaction is committed before the create is answered: as a whole, or as
//!   a draft that the end of the upload completes.
//! - [`Dialect::Incremental`], for SMTP gateways: commands come one by one as an SMTP client sends
//!   them. Only upstream promises anything, so nothing is committed here. If neither a change nor a
//!   heartbeat comes for too long, the transaction ends with "downstream timeout".
//!
//! The attempt begins at once and runs beside the requests; see [`Attempts`].
//!
//! | refusal | when |
//! |---|---|
//! | not found | there is no such sender, transaction or blob |
//! | forbidden | the caller may not act for the sender |
//! | malformed | a field is missing, or not allowed here |
//! | conflict | a field that can be written only once was already written, or the transaction is over |
//! | version mismatch, version missing | of an append |
//! | wrong range, too large | of an upload |
//! | unavailable | memory, disk or attempts are short; or the agent stops, and cannot keep it |
//!
//! # Where to read
//!
//! | module | holds |
//! |---|---|
//! | `service`, `senders` | who may do what |
//! | `create`, `append`, `upload`, `read`, `list` | one kind of request each |
//! | `create/message`, `message` | messages with several transactions |
//! | `open_transaction` | a transaction that requests are still making, and the tasks that run beside them |
//! | `message_source` | the forms of a message: octets, the body of another one, a description |
//! | `view` | the view that readers get, and its version |
//! | `attempts` | the limit on attempts, and stopping |
//!
//! # Example
//!
//! ```
//! use std::{collections::HashMap, sync::Arc, time::Duration};
//!
//! use koukan_core::{
//!     blob::{BlobPool, Limits},
//!     clock::SystemClock,
//!     context::Sender,
//!     resource::{
//!         BodySource, Caller, Create, Draft, Operation, ResourceRequest, ResourceResponse, WaitFor,
//!     },
//!     service::BoxMailService,
//!     stage::{
//!         output_handler::{Chain, Notifications, OutputHandler, RetryPolicy},
//!         rest_handler::{RestHandler, SenderPolicy, RestHandlerSettings},
//!     },
//!     storage::{MemoryBackend, Storage},
//!     test_util::{Script, mail, rcpt},
//! };
//! use tower::ServiceExt;
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
//! let senders = HashMap::from([(Sender::new("app"), SenderPolicy::default())]);
//! let handler = RestHandler::new(storage, output, senders, RestHandlerSettings::default());
//! let create = Create {
//!     sender: Sender::new("app"),
//!     draft: Draft {
//!         mail_from: Some(mail("alice@example.com")),
//!         rcpt_to: vec![rcpt("bob@example.com")],
//!         body: Some(BodySource::Inline("\r\nhello\r\n".into())),
//!         ..Draft::default()
//!     },
//!     wait: Some(Duration::from_secs(20)),
//!     wait_for: WaitFor::End,
//!     idempotency_key: None,
//! };
//! let request = ResourceRequest {
//!     caller: Caller::unrestricted(),
//!     operation: Operation::Create(Box::new(create)),
//! };
//! let response = handler.clone().oneshot(request).await?;
//! assert!(matches!(response, ResourceResponse::Created(_)));
//! assert_eq!(endpoint.only_received().text(), "\r\nhello\r\n");
//! # Ok::<(), tower::BoxError>(())
//! # }).unwrap();
//! ```

mod append;
mod attempts;
mod create;
mod list;
mod message;
mod message_source;
mod open_transaction;
mod read;
mod refusals;
mod senders;
mod service;
mod settings;
mod unfinished_uploads;
mod upload;
mod view;

pub use self::{
    attempts::Attempts,
    senders::{Dialect, SenderPolicy, Senders},
    service::RestHandler,
    settings::RestHandlerSettings,
};
pub(in crate::stage) use self::{refusals::unknown_transaction, view::view};
