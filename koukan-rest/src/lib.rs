//! Koukan rest.
