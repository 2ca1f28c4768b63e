//! Checks the public API of Koukan's crates as their users see it: this crate only has tests.
