//! The `koukan` binary: runs an agent from a configuration file, and has commands for operators.

use std::process::ExitCode;

/// Faster than the system's allocator for many small allocations on several threads.
#[cfg(feature = "allocator")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    koukan::Koukan::builder().main()
}
