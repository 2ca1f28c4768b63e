//! Koukan core.
pub mod blob;
pub mod body;
pub mod clock;
pub mod context;
mod id;
pub mod path;
pub mod random;
pub mod reply;
pub mod service;
pub mod signals;
pub mod storage;
#[cfg(feature = "test-util")]
pub mod test_util;
pub mod transaction;

pub use id::InvalidId;
