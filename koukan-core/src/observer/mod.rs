//! Observers that this crate has: see [`event`](crate::event) for what they are told.

mod log;
#[cfg(feature = "metrics")]
mod metrics;

pub use self::log::Log;
#[cfg(feature = "metrics")]
pub use self::metrics::Metrics;
