//! The observers of this crate; [`event`](crate::event) describes what they are told.

mod log;
#[cfg(feature = "metrics")]
mod metrics;

pub use self::log::Log;
#[cfg(feature = "metrics")]
pub use self::metrics::Metrics;
