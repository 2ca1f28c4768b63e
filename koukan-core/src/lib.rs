//! Koukan core.
pub mod blob;
pub mod body;
pub mod clock;
pub mod context;
pub mod filter;
mod id;
pub mod message;
pub mod middleware;
pub mod path;
pub mod random;
pub mod reply;
pub mod service;
pub mod signals;
pub mod stage;
pub mod storage;
#[cfg(feature = "test-util")]
pub mod test_util;
pub mod transaction;

pub use id::InvalidId;
