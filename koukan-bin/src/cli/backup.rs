//! `koukan backup`.

use std::{path::PathBuf, process::ExitCode};

use crate::{
    Builder,
    command::{block_on, complain},
};
use clap::Args;

use super::{
    database::{Database, Found, refuse},
    printed::say,
};

const PG_DUMP: &str =
    "the database is PostgreSQL's: back it up with PostgreSQL's own programs, as pg_dump";

/// What to copy, and where to.
#[derive(Debug, Args)]
pub(crate) struct BackUp {
    #[command(flatten)]
    database: Database,
    /// The file to create; it must not exist yet.
    file: PathBuf,
}

impl BackUp {
    pub(crate) fn run(self, agent: Builder) -> ExitCode {
        let (path, options) = match self.database.find(agent) {
            Ok((_, Found::Sqlite(path, options))) => (path, options),
            Ok((_, Found::Postgres(_))) => return refuse(&PG_DUMP.into()),
            Err(error) => return refuse(&error),
        };
        match block_on(Some(1), options.back_up(&self.file)) {
            Ok(Ok(backup)) => {
                let messages = match backup.unfinished {
                    1 => "1 message that is".to_owned(),
                    many => format!("{many} messages that are"),
                };
                say(format_args!(
                    "{} is a copy of {}: {} octets, with {messages} still to be delivered or reported",
                    self.file.display(),
                    path.display(),
                    backup.octets,
                ));
                ExitCode::SUCCESS
            }
            Ok(Err(error)) => complain(&error),
            Err(error) => complain(&error),
        }
    }
}
