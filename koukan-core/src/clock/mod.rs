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
///
/// # Example
///
/// A clock for a program that replays what happened on another day:
///
/// ```
/// use jiff::{SignedDuration, Timestamp};
/// use koukan_core::clock::Clock;
///
/// #[derive(Debug)]
/// struct Earlier(SignedDuration);
///
/// impl Clock for Earlier {
///     fn now(&self) -> Timestamp {
///         Timestamp::now() - self.0
///     }
/// }
/// ```
pub trait Clock: Debug + Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }
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
