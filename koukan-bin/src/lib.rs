//! Koukan.
