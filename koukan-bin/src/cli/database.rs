//! The database that a configuration names.

use std::path::{Path, PathBuf};

use crate::{Builder, config::Config};
use clap::Args;
use koukan_storage::SqliteOptions;

/// Which database.
#[derive(Debug, Args)]
pub(crate) struct Database {
    /// The configuration file that names the database.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

impl Database {
    /// The database that a configuration file names.
    pub(crate) fn of(config: &Path) -> Self {
        Self {
            config: config.to_owned(),
        }
    }

    /// Its path and its options. `agent` has the parts that the configuration may name.
    ///
    /// # Errors
    ///
    /// A message for the user.
    pub(crate) fn find(&self, agent: Builder) -> Result<(PathBuf, SqliteOptions), String> {
        self.find_with_config(agent)
            .map(|(_, path, options)| (path, options))
    }

    /// Like [`Database::find`]; also returns the configuration.
    pub(crate) fn find_with_config(
        &self,
        agent: Builder,
    ) -> Result<(Config, PathBuf, SqliteOptions), String> {
        let agent = agent.config_file(&self.config);
        let agent = agent.map_err(|error| error.to_string())?;
        let Some(path) = &agent.config().storage.sqlite else {
            let file = self.config.display();
            return Err(match agent.config().storage.postgres {
                Some(_) => format!(
                    "koukan: the database of {file} is PostgreSQL's: use its own programs, as pg_dump, \
                     or ask a running agent"
                ),
                None => format!(
                    "koukan: {file} has no database: `storage: {{ sqlite: FILE }}` names one"
                ),
            });
        };
        let path: &Path = &path.value;
        let options = SqliteOptions::new(path);
        Ok((agent.config().clone(), path.to_owned(), options))
    }
}
