//! The `koukan` binary.

fn main() {}
