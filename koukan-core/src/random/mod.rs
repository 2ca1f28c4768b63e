//! Randomness, as a trait, so that tests can set it.

mod octets;

pub(crate) use self::octets::octets;

use std::{fmt::Debug, sync::Arc};

/// Gives random numbers, for jitter; not for secrets.
pub trait Random: Debug + Send + Sync + 'static {
    /// A number from 0 up to, but not, 1.
    fn unit(&self) -> f64;
}

/// A shared source of randomness, as stages hold it.
pub type SharedRandom = Arc<dyn Random>;

/// The operating system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn unit(&self) -> f64 {
        // 53 bits are what a float holds; where none can be had, the middle is as good.
        let bits = octets().map_or(u64::MAX / 2, u64::from_ne_bytes) >> 11;
        bits as f64 / (1_u64 << 53) as f64
    }
}
