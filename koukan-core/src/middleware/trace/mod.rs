//! Reports each transaction to observers.
//!
//! [`Trace`] stands outside of everything that an agent does for its clients. It sees every reply to
//! the client. It reports each recipient that was [refused](crate::event::Refused), and a message that
//! was [`Accepted`](crate::event::Accepted). Once the call has ended and every command is answered, or
//! the originator is gone, it reports that the transaction has [`Ended`](crate::event::Ended). The
//! replies of destinations are reported by the [attempts](crate::event::Attempted).
//!
//! During a call or an attempt, [`current`] tells the message's [`TraceId`](crate::signals::TraceId).
//! Where the target [`TARGET`] is enabled at level `DEBUG`, everything logged meanwhile is in a span
//! `transaction` with that id as `id`.
//!
//! Without observers, nothing is recorded.
//!
//! # Example
//!
//! ```
//! use std::sync::{Arc, atomic::{AtomicU32, Ordering}};
//!
//! use koukan_core::{
//!     event::{Event, Observer, Observers},
//!     middleware::TraceLayer,
//!     test_util::{Script, mail, rcpt, send},
//! };
//! use tower::Layer;
//!
//! #[derive(Debug, Default)]
//! struct Accepted(AtomicU32);
//!
//! impl Observer for Accepted {
//!     fn observe(&self, event: &Event<'_>) {
//!         if let Event::Accepted(_) = event {
//!             self.0.fetch_add(1, Ordering::Relaxed);
//!         }
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let accepted = Arc::new(Accepted::default());
//! let observers = Observers::default().with(Arc::clone(&accepted) as Arc<dyn Observer>);
//! let service = TraceLayer::new(observers).layer(Script::new());
//! send(service, mail("a@x"), [rcpt("b@y")], "\r\nhello\r\n").await;
//! assert_eq!(accepted.0.load(Ordering::Relaxed), 1);
//! # Ok::<(), tower::BoxError>(())
//! # }).unwrap();
//! ```

mod body;
mod current;
mod future;
mod layer;
mod record;
mod service;

pub(crate) use self::current::Following;
pub use self::{current::current, future::TraceFuture, layer::TraceLayer, service::Trace};

/// The target of the span, and of the lines that [`Log`](crate::observer::Log) writes about
/// transactions and attempts.
pub const TARGET: &str = "koukan::transaction";
