//! Opens a database without changing it.

use std::{cmp::Ordering, sync::Arc};

use sqlx::{Connection as _, PgConnection};

use crate::reader::Reader;

use super::{
    PostgresError, PostgresOptions,
    migrations::migrator,
    open::{connect_to_migrate, failed},
    outage::Outage,
    pulse::Pulse,
    reading::Readers,
    schema::recorded,
};

/// How many connections read.
const READERS: u32 = 2;

/// Opens a database to read it, whether or not agents are using it.
pub(super) async fn open(options: &PostgresOptions) -> Result<Reader, PostgresError> {
    let connection = connect(options).await?;
    // How the connection ends does not matter.
    let _ = connection.close().await;
    let outage = Arc::new(Outage::new(options.patience));
    let readers = Readers::new(
        options.looking(),
        READERS,
        options.silence(),
        Pulse::new(options.looking(), outage),
    );
    Ok(Reader::new(readers))
}

/// Connects to a database whose schema is the current one.
pub(super) async fn connect(options: &PostgresOptions) -> Result<PgConnection, PostgresError> {
    let mut connection = connect_to_migrate(options).await?;
    let name = options.name();
    let recorded = recorded(&mut connection).await;
    let recorded = recorded.map_err(|error| failed(&name, error.into()))?;
    let Some(version) = recorded.iter().map(|recorded| recorded.version).max() else {
        return Err(PostgresError::Empty { name });
    };
    let known = migrator().iter().map(|migration| migration.version).max();
    match version.cmp(&known.unwrap_or_default()) {
        Ordering::Greater => Err(PostgresError::UnknownSchema { name, version }),
        Ordering::Less => Err(PostgresError::OldSchema { name, version }),
        Ordering::Equal => Ok(connection),
    }
}
