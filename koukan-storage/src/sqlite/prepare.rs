//! What databases of earlier versions lack.

use std::path::Path;

use sqlx::{AssertSqlSafe, Executor, SqliteConnection};

use super::inspect::{APPLICATION_ID, application_id};

/// Octets up to which a database is made anew so that it can shrink: that takes less than a second,
/// and as much room on the disk.
const MADE_ANEW: u64 = 64 << 20;
/// `PRAGMA auto_vacuum`: free pages are given back when that is asked for.
const INCREMENTAL: i32 = 2;

/// Says in the database of `len` octets whose it is, and has it shrink from now on.
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
        // It is as it was, which will do.
        tracing::warn!(%file, %error, "the database could not be made anew and does not shrink");
    }
    Ok(())
}
