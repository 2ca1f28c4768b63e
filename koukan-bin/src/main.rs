//! The `koukan` binary: an agent run from a configuration file, and what helps to try it.

use std::process::ExitCode;

/// Faster than the system's allocator for many small allocations on several threads.
#[cfg(feature = "allocator")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    koukan::Koukan::builder().main()
}
