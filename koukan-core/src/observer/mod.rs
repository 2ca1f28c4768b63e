//! Observers that this crate has: see [`event`](crate::event) for what they are told.

mod log;
mod metrics;

pub use self::{log::Log, metrics::Metrics};
