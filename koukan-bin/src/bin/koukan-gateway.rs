//! The `koukan-gateway` binary: an agent between SMTP and REST that keeps nothing, as its
//! configuration says.

use std::process::ExitCode;

use clap::Parser;
use koukan::{Koukan, command::Run};

/// Faster than the system's allocator for many small allocations on several threads.
#[cfg(feature = "allocator")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Speaks SMTP on behalf of a router: passes mail from SMTP on by REST, and the other way round.
#[derive(Debug, Parser)]
#[command(name = "koukan-gateway", version, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    run: Run,
}

fn main() -> ExitCode {
    Cli::parse().run.run(Koukan::builder())
}
