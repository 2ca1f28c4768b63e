//! The `koukan` binary: an agent run from a configuration file, and what helps to try it.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command talks to its user"
)]

mod cli;

use std::process::ExitCode;

use clap::Parser;

/// Faster than the system's allocator for many small allocations on several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::Cli::parse().run()
}
