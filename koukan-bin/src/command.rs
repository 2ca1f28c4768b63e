//! What the binaries have in common: running an agent from a configuration file.

#![allow(clippy::print_stderr, reason = "a command talks to its user")]

use std::{error::Error, path::PathBuf, process::ExitCode};

use clap::Args;

use crate::{Koukan, logging, memory};

/// What to run: the arguments `--config FILE` and `--threads NUMBER`.
#[derive(Debug, Args)]
pub struct Run {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Threads that do the work; as many as there are processors if not given.
    #[arg(long, value_name = "NUMBER")]
    threads: Option<usize>,
}

impl Run {
    /// Runs an agent until it is told to stop by SIGTERM or SIGINT.
    pub fn run(self) -> ExitCode {
        let agent = match Koukan::builder().config_file(&self.config) {
            Ok(agent) => agent,
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
        };
        if let Err(error) = logging::init(agent.config().log) {
            return complain(&error);
        }
        let run = async {
            tokio::spawn(memory::give_back());
            agent.run().await
        };
        match block_on(self.threads, run) {
            Ok(Ok(())) => ExitCode::SUCCESS,
            Ok(Err(error)) => complain(&error),
            Err(error) => complain(&error),
        }
    }
}

/// Tells what went wrong, and why.
pub fn complain(error: &dyn Error) -> ExitCode {
    eprint!("koukan: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprint!(": {error}");
        cause = error.source();
    }
    eprintln!();
    ExitCode::FAILURE
}

/// Runs a command's future on a runtime of its own.
///
/// # Errors
///
/// Those of making threads and of the operating system's event queue.
pub fn block_on<F: Future>(threads: Option<usize>, future: F) -> std::io::Result<F::Output> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = threads {
        runtime.worker_threads(threads.max(1));
    }
    let runtime = runtime.enable_all().build()?;
    Ok(runtime.block_on(future))
}
