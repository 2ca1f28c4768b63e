//! Shows a database's schema, or updates it without an agent.

use sqlx::{Connection as _, PgConnection, Row as _};

use crate::schema::{Recorded, Schema};

use super::{
    PostgresError, PostgresOptions, fitness,
    migrations::migrator,
    open::{connect_to_migrate, failed, migrate},
};

impl PostgresOptions {
    /// Returns the state of the schema, and changes nothing. Agents may be using the database. Where
    /// there are no tables, all migrations are pending.
    ///
    /// # Errors
    ///
    /// [`PostgresError`].
    pub async fn schema(&self) -> Result<Schema, PostgresError> {
        let mut connection = connect_to_migrate(self).await?;
        let schema = schema_of(&self.name(), &mut connection).await?;
        // How the connection ends does not matter.
        let _ = connection.close().await;
        Ok(schema)
    }

    /// Checks whether the database can be opened: whether it takes writes, whether the user may make them and bring the
    /// schema up to date, and whether it may have all connections. Changes nothing. Returns the state of the schema.
    ///
    /// # Errors
    ///
    /// [`PostgresError`]; not where the schema is a newer program's, which the result shows.
    pub async fn check(&self) -> Result<Schema, PostgresError> {
        let mut connection = connect_to_migrate(self).await?;
        let schema = schema_of(&self.name(), &mut connection).await?;
        if schema.is_known() {
            fitness::check(&self.name(), &mut connection, &schema).await?;
            fitness::check_connections(self, &mut connection).await?;
        }
        // How the connection ends does not matter.
        let _ = connection.close().await;
        Ok(schema)
    }

    /// Creates missing tables and brings the schema up to date, as opening the database does. Agents of the
    /// previous version may be using the database.
    ///
    /// # Errors
    ///
    /// [`PostgresError`]; [`PostgresError::UnknownSchema`] where a newer program has used it.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, each migration was applied completely or not at all. The call may be
    /// repeated.
    pub async fn migrate(&self) -> Result<(), PostgresError> {
        migrate(self).await
    }
}

/// The state of the schema of the database with that name.
pub(super) async fn schema_of(
    name: &str,
    connection: &mut PgConnection,
) -> Result<Schema, PostgresError> {
    let recorded = recorded(connection).await;
    let recorded = recorded.map_err(|error| failed(name, error.into()))?;
    Ok(Schema::compare(name.to_owned(), &migrator(), recorded))
}

pub(super) async fn recorded(connection: &mut PgConnection) -> Result<Vec<Recorded>, sqlx::Error> {
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
