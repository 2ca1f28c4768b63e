//! Koukan smtp.
