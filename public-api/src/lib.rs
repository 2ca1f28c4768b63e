//! Looks at the public API of Koukan's crates as their users see it: all of it is tests.
