//! Koukan core.
pub mod path;
pub mod reply;
