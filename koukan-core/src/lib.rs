//! Koukan core.
pub mod blob;
pub mod body;
pub mod clock;
pub mod context;
mod id;
pub mod path;
pub mod reply;
pub mod service;
pub mod signals;
pub mod transaction;

pub use id::InvalidId;
