//! Tells observers of each transaction that passes.
//!
//! [`Trace`] stands around all that an agent does for its clients. It sees every reply that passes it,
//! and reports each recipient that the client was [refused](crate::event::Refused), a message that was
//! [`Accepted`](crate::event::Accepted), and, once the call has ended and every command is answered, or
//! the originator is gone, that the transaction has [`Ended`](crate::event::Ended). What destinations
//! have said is told by the [attempts](crate::event::Attempted).
//!
//! While a call or an attempt goes on, [`current`] tells by its [`TraceId`](crate::signals::TraceId)
//! which message that is. Where the target [`TARGET`] is enabled at level `DEBUG`, all that is logged
//! meanwhile also stands in a span `transaction` with that as `id`.
//!
//! Where nobody observes, nothing is recorded.

mod body;
mod current;
mod future;
mod layer;
mod record;
mod service;

pub(crate) use self::current::Following;
pub use self::{current::current, future::TraceFuture, layer::TraceLayer, service::Trace};

/// The target of the lines that [`Log`](crate::observer::Log) writes of transactions and attempts, and
/// of the span.
pub const TARGET: &str = "koukan::transaction";
