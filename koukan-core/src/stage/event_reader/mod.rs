//! Reads events for callers: the [`EventReader`].
//!
//! It reads the stored events page by page. A caller that waits holds nothing but its position, and is
//! woken when events are committed.
//!
//! | refusal | when |
//! |---|---|
//! | forbidden | the caller may not act for this sender |
//! | not found | storage keeps no events |
//! | malformed | the cursor is invalid |
//! | gone | events after the cursor were removed before they were read |
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
//!     resource::{Caller, EventRequest, EventResponse, ReadEvents},
//!     stage::event_reader::EventReader,
//!     storage::{MemoryBackend, Storage},
//! };
//! use tower::ServiceExt;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let pool = BlobPool::in_memory(Limits::default());
//! let storage = Storage::open(Arc::new(MemoryBackend::new()), pool, Arc::new(SystemClock)).await?;
//! let request = EventRequest {
//!     caller: Caller::unrestricted(),
//!     read: ReadEvents::default(),
//! };
//! // Nothing has told this storage to keep events.
//! let response = EventReader::new(storage).oneshot(request).await?;
//! assert!(matches!(response, EventResponse::Refused(_)));
//! # Ok::<(), tower::BoxError>(())
//! # }).unwrap();
//! ```

mod service;

pub use self::service::EventReader;
