//! The database that a configuration names.

use std::path::{Path, PathBuf};

use clap::Args;
use koukan::{Koukan, config::Config};
use koukan_storage::SqliteOptions;

/// Which database.
#[derive(Debug, Args)]
pub(crate) struct Database {
    /// The configuration file that names the database.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

impl Database {
    /// The one that a configuration file names.
    pub(crate) fn of(config: &Path) -> Self {
        Self {
            config: config.to_owned(),
        }
    }

    /// Its path, and how it is used.
    ///
    /// # Errors
    ///
    /// What is to be told to the user.
    pub(crate) fn find(&self) -> Result<(PathBuf, SqliteOptions), String> {
        self.find_with_config()
            .map(|(_, path, options)| (path, options))
    }

    /// As [`Database::find`], with the configuration.
    pub(crate) fn find_with_config(&self) -> Result<(Config, PathBuf, SqliteOptions), String> {
        let agent = Koukan::builder().config_file(&self.config);
        let agent = agent.map_err(|error| error.to_string())?;
        let Some(path) = &agent.config().storage.sqlite else {
            let file = self.config.display();
            return Err(format!(
                "koukan: {file} has no database: `storage: {{ sqlite: FILE }}` names one"
            ));
        };
        let path: &Path = &path.value;
        let options = SqliteOptions::new(path);
        Ok((agent.config().clone(), path.to_owned(), options))
    }
}
