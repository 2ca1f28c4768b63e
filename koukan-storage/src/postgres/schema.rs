//! Showing a database's schema, and bringing it up to date without an agent.

use sqlx::{Connection as _, PgConnection, Row as _};

use crate::schema::{Recorded, Schema};

use super::{
    PostgresError, PostgresOptions,
    migrations::migrator,
    open::{connect_to_migrate, failed, migrate},
};

impl PostgresOptions {
    /// Tells what the schema of the database is, and changes nothing. Agents may be using the database;
    /// where there are no tables, all migrations are pending.
    ///
    /// # Errors
    ///
    /// [`PostgresError`].
    pub async fn schema(&self) -> Result<Schema, PostgresError> {
        let mut connection = connect_to_migrate(self).await?;
        let recorded = recorded(&mut connection).await;
        let recorded = recorded.map_err(|error| failed(&self.name(), error.into()))?;
        // What is left of it is of no importance.
        let _ = connection.close().await;
        Ok(Schema::compare(self.name(), &migrator(), recorded))
    }

    /// Makes the tables where they are missing, and brings them to the present schema, as opening the database
    /// does. Agents of the version before may be using the database.
    ///
    /// # Errors
    ///
    /// [`PostgresError`]; [`PostgresError::UnknownSchema`] where a newer program has used it.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it ends, each migration was applied as a whole or not at all; it may be repeated.
    pub async fn migrate(&self) -> Result<(), PostgresError> {
        migrate(self).await
    }
}

async fn recorded(connection: &mut PgConnection) -> Result<Vec<Recorded>, sqlx::Error> {
    let is_there = "SELECT to_regclass('_sqlx_migrations') IS NOT NULL";
    if !sqlx::query_scalar(is_there)
        .fetch_one(&mut *connection)
        .await?
    {
        return Ok(Vec::new());
    }
    let recorded = "SELECT version, description, checksum FROM _sqlx_migrations WHERE success";
    let rows = sqlx::query(recorded).fetch_all(connection).await?;
    let recorded = rows.iter().map(|row| {
        Ok(Recorded {
            version: row.try_get(0)?,
            name: row.try_get(1)?,
            checksum: row.try_get(2)?,
        })
    });
    recorded.collect()
}
