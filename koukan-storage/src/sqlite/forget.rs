//! Erases the data about one address.

use std::{fs, path::Path};

use futures_util::TryStreamExt;
use koukan_core::path::Mailbox;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, Row, SqliteConnection};

use crate::forget::{Known, Named, is_same, named, said_of};

use super::{
    OpenError, SqliteOptions,
    error::Cause,
    inspect::{Access, Found, inspect, look},
    lock::ProcessLock,
    old_log,
    open::migrate,
};

impl SqliteOptions {
    /// Finds the transactions with this address as reverse-path or recipient, the oldest first, and
    /// changes nothing. An agent may be using the database.
    ///
    /// ASCII case does not matter, in local parts either.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub async fn find_address(&self, address: &Mailbox) -> Result<Vec<Named>, OpenError> {
        let path = real(&self.path);
        let failed = |error: sqlx::Error| Cause::from(error).into_open_error(&path);
        let Found::Database(_) = look(&path, Access::Read)? else {
            return Ok(Vec::new());
        };
        let mut database = self.reading(&path).connect().await.map_err(failed)?;
        let found = find(&mut database, address).await.map_err(failed)?;
        database.close().await.map_err(failed)?;
        Ok(found)
    }

    /// Erases those of [`SqliteOptions::find_address`] that are over: the transactions with their messages,
    /// the events that name the address, and what was said about it in attempts at other mail. Nothing of
    /// it is left in the files: they are written anew, for which there must be as much space again. Returns all
    /// transactions that were found. Nobody may be using the database.
    ///
    /// Copies of damaged logs stay as they are.
    ///
    /// Transactions that are not over still have to be delivered or reported, and stay. Other people's
    /// messages that mention the address stay as well.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; [`OpenError::Locked`] where an agent runs. If there is not enough space, pieces of what was erased
    /// may be left in the files; repeat the call with more.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, all were erased or none. The call may be repeated.
    pub async fn forget(&self, address: &Mailbox) -> Result<Vec<Named>, OpenError> {
        let path = real(&self.path);
        let failed = |error: sqlx::Error| Cause::from(error).into_open_error(&path);
        let _lock = ProcessLock::take(&path)?;
        let Found::Database(len) = look(&path, Access::Write)? else {
            return Ok(Vec::new());
        };
        inspect(self, &path, len).await?;
        old_log::keep(&path).await?;
        let mut database = self.migrating(&path).connect().await.map_err(failed)?;
        migrate(&mut database, &path).await?;
        let found = find(&mut database, address).await.map_err(failed)?;
        let finals = found.iter().filter(|named| named.is_final);
        let events = find_events(&mut database, address, &Known::of(&found)).await;
        let events = events.map_err(failed)?;
        erase(&mut database, address, finals, &events)
            .await
            .map_err(failed)?;
        database.close().await.map_err(failed)?;
        Ok(found)
    }
}

fn real(path: &Path) -> std::path::PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

async fn find(
    database: &mut SqliteConnection,
    address: &Mailbox,
) -> Result<Vec<Named>, sqlx::Error> {
    let all = "SELECT id, mail, recipients, final_reason IS NOT NULL, created FROM transactions";
    let summaries = "UNION ALL SELECT id, mail, recipients, 1, created FROM summaries";
    // A database that no agent of this version has used has no table of summaries.
    let has_summaries = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'summaries')";
    let has_summaries = sqlx::query_scalar(has_summaries);
    let summaries = match has_summaries.fetch_one(&mut *database).await? {
        true => summaries,
        false => "",
    };
    let all = AssertSqlSafe(format!("{all} {summaries} ORDER BY created, id"));
    let mut rows = sqlx::query(all).fetch(database);
    let mut found = Vec::new();
    while let Some(row) = rows.try_next().await? {
        let columns = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        found.extend(named(columns, row.try_get(3)?, address));
    }
    Ok(found)
}

/// The numbers of the events that are erased.
async fn find_events(
    database: &mut SqliteConnection,
    address: &Mailbox,
    known: &Known<'_>,
) -> Result<Vec<i64>, sqlx::Error> {
    let all = "SELECT number, transaction_id, details FROM events ORDER BY number";
    let mut rows = sqlx::query(all).fetch(database);
    let mut found = Vec::new();
    while let Some(row) = rows.try_next().await? {
        if known.is_erased(row.try_get(1)?, row.try_get(2)?, address) {
            found.push(row.try_get(0)?);
        }
    }
    Ok(found)
}

/// Blobs to which nothing refers that is not over.
const UNUSED: &str = "SELECT blob_id FROM forgotten WHERE \
    NOT EXISTS (SELECT 1 FROM transactions t \
        WHERE t.blob_id = forgotten.blob_id AND t.final_reason IS NULL) \
    AND NOT EXISTS (SELECT 1 FROM parts p JOIN transactions t ON t.id = p.transaction_id \
        WHERE p.blob_id = forgotten.blob_id AND t.final_reason IS NULL)";

async fn erase(
    database: &mut SqliteConnection,
    address: &Mailbox,
    finals: impl Iterator<Item = &Named>,
    events: &[i64],
) -> Result<(), sqlx::Error> {
    // Deleted content is overwritten.
    database.execute("PRAGMA secure_delete = ON").await?;
    database
        .execute("CREATE TEMP TABLE forgotten (blob_id TEXT)")
        .await?;
    let mut writing = database.begin().await?;
    for named in finals {
        for blobs in [
            "INSERT INTO forgotten SELECT blob_id FROM transactions \
                WHERE id = ? AND blob_id IS NOT NULL",
            "INSERT INTO forgotten SELECT blob_id FROM parts WHERE transaction_id = ?",
            "DELETE FROM transactions WHERE id = ?",
            "DELETE FROM summaries WHERE id = ?",
        ] {
            let query = sqlx::query(blobs).bind(&named.id);
            query.execute(&mut *writing).await?;
        }
    }
    for number in events {
        let query = sqlx::query("DELETE FROM events WHERE number = ?").bind(number);
        query.execute(&mut *writing).await?;
    }
    let mut suppressed =
        sqlx::query("SELECT DISTINCT address FROM suppressions").fetch(&mut *writing);
    let mut same = Vec::new();
    while let Some(row) = suppressed.try_next().await? {
        let known: String = row.try_get(0)?;
        same.extend(Some(known).filter(|known| is_same(known, address)));
    }
    drop(suppressed);
    for known in same {
        let query = sqlx::query("DELETE FROM suppressions WHERE address = ?").bind(known);
        query.execute(&mut *writing).await?;
    }
    for said in said_of(address) {
        for table in ["attempts", "summaries"] {
            // It does no harm that the conversation may belong to another transaction on the same
            // connection.
            let erase = AssertSqlSafe(format!(
                "UPDATE {table} SET conversation = NULL WHERE instr(lower(conversation), ?) > 0"
            ));
            sqlx::query(erase)
                .bind(&said)
                .execute(&mut *writing)
                .await?;
        }
    }
    for table in ["chunks WHERE blob_id", "blobs WHERE id"] {
        let delete = AssertSqlSafe(format!("DELETE FROM {table} IN ({UNUSED})"));
        writing.execute(delete).await?;
    }
    writing.commit().await?;
    // The log contains it as well, and free pages and gaps within others may hold earlier copies: everything is written
    // anew.
    database.execute("VACUUM").await?;
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)").await?;
    Ok(())
}
