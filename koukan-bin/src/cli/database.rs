//! The database that a configuration names.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use crate::{
    Builder,
    command::complain,
    compose::postgres_options,
    config::{Config, ConfigError},
};
use clap::Args;
use koukan_storage::{PostgresOptions, SqliteOptions};
use tower::BoxError;

/// Which database.
#[derive(Debug, Args)]
pub(crate) struct Database {
    /// The configuration file that names the database.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// A database of either kind.
pub(crate) enum Found {
    Sqlite(PathBuf, SqliteOptions),
    Postgres(Box<PostgresOptions>),
}

impl Database {
    /// The database that a configuration file names.
    pub(crate) fn of(config: &Path) -> Self {
        Self {
            config: config.to_owned(),
        }
    }

    /// The database, and the configuration. `agent` has the parts that the configuration may name.
    ///
    /// # Errors
    ///
    /// A message for the user: a [`ConfigError`], or another.
    pub(crate) fn find(&self, agent: Builder) -> Result<(Config, Found), BoxError> {
        let agent = agent.config_file(&self.config)?;
        let config = agent.config();
        let found = match (&config.storage.postgres, &config.storage.sqlite) {
            (Some(postgres), _) => Found::Postgres(Box::new(postgres_options(config, postgres)?)),
            (None, Some(file)) => {
                Found::Sqlite(file.value.clone(), SqliteOptions::new(&file.value))
            }
            (None, None) => {
                let file = self.config.display();
                let help = "`storage: { sqlite: FILE }` or `storage: { postgres: … }` names one";
                return Err(format!("{file} has no database: {help}").into());
            }
        };
        Ok((config.clone(), found))
    }
}

/// Prints an error of [`Database::find`], or another.
pub(crate) fn refuse(error: &BoxError) -> ExitCode {
    if error.is::<ConfigError>() {
        // It names the file and its lines.
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    complain(&**error)
}
