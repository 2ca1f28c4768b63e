//! Koukan smtp.

pub mod codec;
