//! The `koukan-router` binary: an agent that routes and keeps mail, as its configuration says.

use std::process::ExitCode;

use clap::Parser;
use koukan::{Koukan, command::Run};

/// Faster than the system's allocator for many small allocations on several threads.
#[cfg(feature = "allocator")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Routes mail that arrives by the REST API or SMTP, and keeps what cannot be delivered at once.
#[derive(Debug, Parser)]
#[command(name = "koukan-router", version, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    run: Run,
}

fn main() -> ExitCode {
    Cli::parse().run.run(Koukan::builder())
}
