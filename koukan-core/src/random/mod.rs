//! Randomness, as a trait, so that tests can set it.

mod octets;

#[cfg(feature = "test-util")]
pub(crate) use self::octets::seed_octets;
pub(crate) use self::octets::{is_seeded, octets};

use std::{fmt::Debug, sync::Arc};

/// Random octets for secrets such as keys, salts and nonces.
///
/// # Errors
///
/// [`NoRandomness`].
pub fn secret<const N: usize>() -> Result<[u8; N], NoRandomness> {
    octets().map_err(|_| NoRandomness)
}

/// The operating system has no random numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operating system has no random numbers")]
pub struct NoRandomness;

/// Random numbers for jitter; not for secrets.
///
/// # Example
///
/// A source that makes a test repeatable:
///
/// ```
/// use koukan_core::random::Random;
///
/// #[derive(Debug)]
/// struct Middle;
///
/// impl Random for Middle {
///     fn unit(&self) -> f64 {
///         0.5
///     }
/// }
/// ```
pub trait Random: Debug + Send + Sync + 'static {
    /// A number from 0 up to, but not including, 1.
    fn unit(&self) -> f64;
}

impl<R: Random + ?Sized> Random for Arc<R> {
    fn unit(&self) -> f64 {
        (**self).unit()
    }
}

/// A shared source of randomness, as stages hold it.
pub type SharedRandom = Arc<dyn Random>;

/// The operating system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn unit(&self) -> f64 {
        // Without random numbers, the middle will do.
        unit_of(octets().map_or(u64::MAX / 2, u64::from_ne_bytes))
    }
}

/// Makes a number from 0 up to 1 of random bits.
pub(crate) fn unit_of(bits: u64) -> f64 {
    // A float holds 53 bits.
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

/// The increment of a seeded source for each number.
#[cfg(feature = "test-util")]
pub(crate) const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Spreads a number over all bits: the finalizer of SplitMix64.
#[cfg(feature = "test-util")]
pub(crate) fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
