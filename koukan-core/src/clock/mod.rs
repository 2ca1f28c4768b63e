//! The wall clock, as a trait, so that tests can set it; and [`Alarm`], a timer for deadlines that
//! move.
//!
//! Timeouts and intervals use tokio's clock, which tests can pause. The time of day in header
//! fields and in the queue comes from here.

mod alarm;

pub use self::alarm::Alarm;

use std::{fmt::Debug, sync::Arc};

use jiff::Timestamp;

/// Tells the time of day.
pub trait Clock: Debug + Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// A shared clock, as stages hold it.
pub type SharedClock = Arc<dyn Clock>;

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
