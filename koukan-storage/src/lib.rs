//! Koukan storage.
