//! `koukan run`.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use koukan::{Koukan, logging};

use super::{block_on, complain};

/// What to run.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Threads that do the work; as many as there are processors if not given.
    #[arg(long, value_name = "NUMBER")]
    threads: Option<usize>,
}

impl Run {
    pub(crate) fn run(self) -> ExitCode {
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
        match block_on(self.threads, agent.run()) {
            Ok(Ok(())) => ExitCode::SUCCESS,
            Ok(Err(error)) => complain(&error),
            Err(error) => complain(&error),
        }
    }
}
