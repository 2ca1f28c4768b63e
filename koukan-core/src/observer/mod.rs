//! The observers of this crate: `Log` writes a line for each event, and `Metrics` (feature `metrics`) counts and
//! measures. [`event`](crate::event) describes what observers are told, and has the example of one of your own.

mod log;
#[cfg(feature = "metrics")]
mod metrics;

pub use self::log::Log;
#[cfg(feature = "metrics")]
pub use self::metrics::Metrics;
