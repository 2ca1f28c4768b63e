//! `koukan migrate`.

mod text;

use std::{error::Error, path::PathBuf, process::ExitCode};

use clap::Args;
use koukan_storage::{MigrationState, Moved, PostgresOptions, Schema, SqliteOptions};
use serde_json::{Value, json};

use crate::{
    Builder,
    command::{block_on, complain},
    compose::{make_directory_of, postgres_options},
    config::Config,
};

use super::printed::say;

type BoxError = Box<dyn Error + Send + Sync>;

/// The database, and what to do with it.
#[derive(Debug, Args)]
pub(crate) struct Migrate {
    /// The configuration file that names the database.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Move the queue of a stopped agent from there into the PostgreSQL database of the
    /// configuration, which must be empty. Write `sqlite:` and the file.
    #[arg(long, value_name = "DATABASE", value_parser = sqlite)]
    from: Option<PathBuf>,
    /// Apply the changes. Without this option, nothing is changed; the command tells what would be done.
    #[arg(long)]
    apply: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

fn sqlite(text: &str) -> Result<PathBuf, String> {
    match text.strip_prefix("sqlite:") {
        Some(file) if !file.is_empty() => Ok(file.into()),
        _ => Err("a queue moves from SQLite: write `sqlite:FILE`".to_owned()),
    }
}

/// A database with a versioned schema.
enum Database {
    Sqlite(PathBuf),
    Postgres(Box<PostgresOptions>),
}

impl Migrate {
    pub(crate) fn run(self, agent: Builder) -> ExitCode {
        let agent = match agent.config_file(&self.config) {
            Ok(agent) => agent,
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
        };
        match block_on(Some(1), self.carry_out(agent.config())) {
            Ok(Ok(code)) => code,
            Ok(Err(error)) => complain(&*error),
            Err(error) => complain(&error),
        }
    }

    async fn carry_out(&self, config: &Config) -> Result<ExitCode, BoxError> {
        let database = self.database(config)?;
        match (&self.from, database) {
            (Some(from), Database::Postgres(to)) => self.move_queue(from, &to).await,
            (Some(_), Database::Sqlite(_)) => Err(format!(
                "a queue moves into PostgreSQL, and {} names no `storage.postgres`",
                self.config.display()
            )
            .into()),
            (None, database) => self.bring_up_to_date(&database).await,
        }
    }

    fn database(&self, config: &Config) -> Result<Database, BoxError> {
        let storage = &config.storage;
        match (&storage.postgres, &storage.sqlite) {
            (Some(postgres), _) => {
                let options = postgres_options(config, postgres)?;
                Ok(Database::Postgres(Box::new(options)))
            }
            (None, Some(file)) => Ok(Database::Sqlite(file.value.clone())),
            (None, None) => {
                let file = self.config.display();
                let help = "`storage: { sqlite: FILE }` or `storage: { postgres: … }` names one";
                Err(format!("{file} has no database: {help}").into())
            }
        }
    }

    async fn bring_up_to_date(&self, database: &Database) -> Result<ExitCode, BoxError> {
        let before = database.schema().await?;
        let is_changed = self.apply && before.pending().next().is_some();
        // A database that this program does not know is refused, with a message.
        let now = match self.apply {
            true => {
                database.migrate().await?;
                database.schema().await?
            }
            false => before.clone(),
        };
        if self.json {
            say(format_args!("{:#}", json_of(&now, is_changed)));
        } else {
            say(text::schema(&before, self.apply));
        }
        Ok(match now.is_known() {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        })
    }

    async fn move_queue(&self, from: &PathBuf, to: &PostgresOptions) -> Result<ExitCode, BoxError> {
        let from = SqliteOptions::new(from);
        let moved = match self.apply {
            true => from.move_to(to).await?,
            false => from.would_move_to(to).await?,
        };
        if self.json {
            say(format_args!("{:#}", json_of_move(&moved, self.apply)));
        } else {
            say(text::moved(&moved, self.apply));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Database {
    async fn schema(&self) -> Result<Schema, BoxError> {
        Ok(match self {
            Self::Sqlite(file) => SqliteOptions::new(file).schema().await?,
            Self::Postgres(options) => options.schema().await?,
        })
    }

    async fn migrate(&self) -> Result<(), BoxError> {
        match self {
            Self::Sqlite(file) => {
                make_directory_of(file)?;
                SqliteOptions::new(file).migrate().await?;
            }
            Self::Postgres(options) => options.migrate().await?,
        }
        Ok(())
    }
}

/// The word for a state.
fn word(state: MigrationState) -> &'static str {
    match state {
        MigrationState::Applied => "applied",
        MigrationState::Pending => "pending",
        _ => "unknown",
    }
}

fn json_of(schema: &Schema, is_changed: bool) -> Value {
    let migrations = schema.migrations.iter().map(|migration| {
        json!({
            "version": migration.version,
            "name": migration.name,
            "state": word(migration.state),
        })
    });
    json!({
        "database": schema.database,
        "version": schema.version(),
        "is_changed": is_changed,
        "migrations": migrations.collect::<Vec<_>>(),
    })
}

fn json_of_move(moved: &Moved, is_moved: bool) -> Value {
    let rows = moved.rows.iter();
    let rows = rows.map(|(table, rows)| ((*table).to_owned(), Value::from(*rows)));
    json!({
        "from": moved.from,
        "to": moved.to,
        "is_moved": is_moved,
        "unfinished": moved.unfinished,
        "last_event": moved.last_event,
        "rows": rows.collect::<serde_json::Map<_, _>>(),
    })
}
