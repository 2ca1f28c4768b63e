//! SMTP for Koukan.

pub mod codec;
