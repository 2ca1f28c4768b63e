//! `koukan check`.

mod deep;

use std::{path::PathBuf, process::ExitCode};

use crate::Builder;
use clap::Args;

use super::printed::say;

/// What to check.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The configuration file.
    file: PathBuf,
    /// Also try what the agent does at its start: listen on each address, open the database, write
    /// to the directories, read lists from HTTP servers. Afterwards nothing is left listening.
    #[arg(long)]
    deep: bool,
}

impl Check {
    pub(crate) fn run(self, agent: Builder) -> ExitCode {
        let agent = match agent.config_file(&self.file) {
            Ok(agent) => agent,
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
        };
        let warnings = agent.warnings();
        if !warnings.problems().is_empty() {
            eprintln!("{warnings}");
        }
        if self.deep && !deep::check(&self.file, &agent) {
            return ExitCode::FAILURE;
        }
        let file = self.file.display();
        match warnings.problems().len() {
            0 => say(format_args!("{file} is fine")),
            1 => say(format_args!("{file} can be used, with a warning")),
            many => say(format_args!("{file} can be used, with {many} warnings")),
        }
        ExitCode::SUCCESS
    }
}
