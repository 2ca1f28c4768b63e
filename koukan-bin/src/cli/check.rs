//! `koukan check`.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use koukan::Koukan;

/// What to check.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The configuration file.
    file: PathBuf,
}

impl Check {
    pub(crate) fn run(self) -> ExitCode {
        match Koukan::builder().config_file(&self.file) {
            Ok(_) => {
                println!("{} is fine", self.file.display());
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        }
    }
}
