//! Tells observers of each transaction that passes.
//!
//! [`Trace`] sees every reply that passes it, and reports, once the call has ended and every command
//! is answered, or the originator is gone, that the transaction has [`Ended`](crate::event::Ended).
//! Around all that an agent does ([`Vantage::Client`](crate::event::Vantage)) it also reports each
//! recipient that the client was [refused](crate::event::Refused), and a message that was
//! [`Accepted`](crate::event::Accepted).
//!
//! What is logged further on stands in the span `transaction` of the target [`TARGET`], with the
//! [`TraceId`](crate::signals::TraceId) as `id`, where that target is enabled at level `INFO`.
//!
//! Where nobody observes, nothing is recorded.

mod body;
mod future;
mod layer;
mod record;
mod service;

pub use self::{future::TraceFuture, layer::TraceLayer, service::Trace};

/// The target of the span, and of the line that [`Log`](crate::observer::Log) writes at the end.
pub const TARGET: &str = "koukan::transaction";
