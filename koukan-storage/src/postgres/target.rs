//! The database that a queue is moved into.

use sqlx::{AssertSqlSafe, Connection as _, Executor, PgConnection};
use tokio::time::timeout;

use crate::{BoxError, query::Values};

use super::{
    PostgresError, PostgresOptions,
    error::Cause,
    open::failed,
    writer::{Link, LinkError},
};

/// A database that nobody else uses until this is dropped. Uncommitted writes are lost then.
pub(crate) struct Target {
    pub(crate) name: String,
    connection: PgConnection,
    silence: std::time::Duration,
}

impl Target {
    /// Locks the database against other processes.
    pub(crate) async fn open(options: &PostgresOptions) -> Result<Self, PostgresError> {
        let name = options.name();
        options.check_files()?;
        let link = Link::new(&options.clone().alone());
        let session = link.connect().await.map_err(|error| match error {
            LinkError::InUse => PostgresError::InUse { name: name.clone() },
            LinkError::Failed(cause) => failed(&name, cause),
        })?;
        Ok(Self {
            name,
            connection: session.connection,
            silence: options.silence(),
        })
    }

    /// Begins a commit. Returns a table that is not empty, if there is one.
    pub(crate) async fn begin(
        &mut self,
        tables: impl Iterator<Item = &'static str>,
    ) -> Result<Option<&'static str>, PostgresError> {
        let begin = "BEGIN; SET LOCAL synchronous_commit = on";
        let begun = self.connection.execute(begin).await;
        begun.map_err(|error| failed(&self.name, error.into()))?;
        let numbered = ("event_numbers", "SELECT last > 0 FROM event_numbers".into());
        let tables = tables.map(|table| (table, format!("SELECT EXISTS (SELECT 1 FROM {table})")));
        for (table, question) in tables.chain([numbered]) {
            let has_rows = sqlx::query_scalar(AssertSqlSafe(question));
            let has_rows = has_rows.fetch_one(&mut self.connection).await;
            if has_rows.map_err(|error| failed(&self.name, error.into()))? {
                return Ok(Some(table));
            }
        }
        Ok(None)
    }

    pub(crate) async fn write(&mut self, sql: String, values: Values) -> Result<(), BoxError> {
        let query = sqlx::query_with(AssertSqlSafe(sql), values.into_postgres());
        match timeout(self.silence, query.execute(&mut self.connection)).await {
            Ok(written) => written
                .map(|_| ())
                .map_err(|error| Cause::from(error).into()),
            Err(_) => Err(Cause::silent(self.silence).into()),
        }
    }

    /// Sets the number of the last event.
    pub(crate) async fn count_events_from(&mut self, last: i64) -> Result<(), BoxError> {
        let mut values = Values::default();
        values.add(last);
        let set = "UPDATE event_numbers SET last = $1";
        self.write(set.into(), values).await
    }

    pub(crate) async fn commit(mut self) -> Result<(), BoxError> {
        self.write("COMMIT".into(), Values::default()).await?;
        // How the connection ends does not matter.
        let _ = self.connection.close().await;
        Ok(())
    }
}
