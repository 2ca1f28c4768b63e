//! Filters made of plain functions and callbacks, and layers for any chain.
//!
//! | | is for |
//! |---|---|
//! | [`from_fn`](mod@from_fn) | a filter that is an `async` function: begin here |
//! | [`callbacks`](mod@callbacks) | a filter with a method for each step, which sees no streams |
//! | [`deliver`](Deliver) | tower's layers that repeat a call, such as `Retry`: everything is known before the call |
//! | [`trace`] | the log line and the metrics of each transaction |
//! | [`charge`] | the memory that a client's transaction takes |
//!
//! tower's own layers, such as timeouts and limits, act on [whole transactions](crate::transaction#towers-layers).

pub mod callbacks;
pub mod charge;
mod deliver;
pub mod from_fn;
pub mod trace;

pub use self::{
    callbacks::{Callbacks, callbacks},
    charge::ChargeLayer,
    deliver::{Deliver, DeliverLayer, DeliverOutcome, DeliverRequest},
    from_fn::{Next, State, from_fn, from_fn_with_state},
    trace::TraceLayer,
};
