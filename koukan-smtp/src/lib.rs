//! Koukan smtp.

pub mod client;
pub mod codec;
