//! Filters out of plain functions and callbacks, and layers for any chain.

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
