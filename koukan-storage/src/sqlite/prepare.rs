//! Adds to databases of earlier versions what they lack.

use std::path::Path;

use sqlx::{AssertSqlSafe, Executor, SqliteConnection};

use super::inspect::{APPLICATION_ID, application_id};

/// Databases up to this size, in octets, are rewritten so that they can shrink. That takes less
/// than a second, and as much space on the disk.
const MADE_ANEW: u64 = 64 << 20;
/// `PRAGMA auto_vacuum`: free pages are returned on request.
const INCREMENTAL: i32 = 2;

/// Writes the application id into the database of `len` octets, and enables shrinking.
pub(super) async fn prepare(
    connection: &mut SqliteConnection,
    path: &Path,
    len: u64,
) -> Result<(), sqlx::Error> {
    if application_id(connection).await? != APPLICATION_ID {
        let set = format!("PRAGMA application_id = {APPLICATION_ID}");
        connection.execute(AssertSqlSafe(set)).await?;
    }
    let mode = sqlx::query_scalar("PRAGMA auto_vacuum");
    let mode: i32 = mode.fetch_one(&mut *connection).await?;
    if mode == INCREMENTAL {
        return Ok(());
    }
    let file = path.display();
    if len > MADE_ANEW {
        tracing::info!(
            %file,
            "the database was made by an earlier version and does not shrink until it is made \
             anew while the agent is stopped: sqlite3 FILE 'PRAGMA auto_vacuum = 2; VACUUM'"
        );
        return Ok(());
    }
    let anew = format!("PRAGMA auto_vacuum = {INCREMENTAL}; VACUUM");
    if let Err(error) = connection.execute(AssertSqlSafe(anew)).await {
        // The database is unchanged, which is good enough.
        tracing::warn!(%file, %error, "the database could not be made anew and does not shrink");
    }
    Ok(())
}
