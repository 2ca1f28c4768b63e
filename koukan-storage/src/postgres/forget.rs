//! Erases the data about one address.

use futures_util::TryStreamExt;
use koukan_core::path::Mailbox;
use sqlx::{Connection as _, PgConnection, Row as _};

use crate::{
    forget::{Known, Named, is_same, named, said_of},
    query::BANS_KEPT,
};

use super::{PostgresError, PostgresOptions, open::failed, read_only::connect};

impl PostgresOptions {
    /// Finds the transactions with this address as reverse-path or recipient, the oldest first, and
    /// changes nothing. Agents may be using the database. In a database without tables there are none.
    ///
    /// ASCII case does not matter, in local parts either.
    ///
    /// # Errors
    ///
    /// [`PostgresError`]; [`PostgresError::OldSchema`] where the schema is not the current one.
    pub async fn find_address(&self, address: &Mailbox) -> Result<Vec<Named>, PostgresError> {
        let Some(mut database) = there(connect(self).await)? else {
            return Ok(Vec::new());
        };
        let found = find(&mut database, address).await;
        let found = found.map_err(|error| failed(&self.name(), error.into()))?;
        // How the connection ends does not matter.
        let _ = database.close().await;
        Ok(found)
    }

    /// Erases those of [`PostgresOptions::find_address`] that are over: the transactions with their messages,
    /// the events that name the address, and what was said about it in attempts at other mail. Returns all
    /// transactions that were found. Agents may be using the database, and may finish some of these
    /// transactions meanwhile: call it again.
    ///
    /// Transactions that are not over still have to be delivered or reported, and stay. Other people's
    /// messages that mention the address stay as well. No query finds what was erased. When the server
    /// overwrites it in its files, logs, and copies of them, is the server's business.
    ///
    /// # Errors
    ///
    /// As [`PostgresOptions::find_address`]. Nothing was erased then.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, all were erased or none. The call may be repeated.
    pub async fn forget(&self, address: &Mailbox) -> Result<Vec<Named>, PostgresError> {
        let Some(mut database) = there(connect(self).await)? else {
            return Ok(Vec::new());
        };
        let forgotten = forget(&mut database, address).await;
        let found = forgotten.map_err(|error| failed(&self.name(), error.into()))?;
        let _ = database.close().await;
        Ok(found)
    }
}

/// The connection, unless the database has no tables.
fn there(
    connected: Result<PgConnection, PostgresError>,
) -> Result<Option<PgConnection>, PostgresError> {
    match connected {
        Ok(connection) => Ok(Some(connection)),
        Err(PostgresError::Empty { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn find(database: &mut PgConnection, address: &Mailbox) -> Result<Vec<Named>, sqlx::Error> {
    let all = "SELECT id, mail, recipients, final_reason IS NOT NULL, created FROM transactions \
        UNION ALL SELECT id, mail, recipients, TRUE, created FROM summaries ORDER BY created, id";
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
    database: &mut PgConnection,
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

/// Those of the addresses that a query gives which are this one.
async fn find_same(
    database: &mut PgConnection,
    query: &'static str,
    address: &Mailbox,
) -> Result<Vec<String>, sqlx::Error> {
    let all: Vec<String> = sqlx::query_scalar(query).fetch_all(database).await?;
    let same = all.into_iter().filter(|known| is_same(known, address));
    Ok(same.collect())
}

/// The blobs of finished transactions. Binds their ids.
const BLOBS: &str = "SELECT blob_id FROM transactions \
        WHERE id = ANY($1) AND final_reason IS NOT NULL AND blob_id IS NOT NULL \
    UNION SELECT p.blob_id FROM parts p JOIN transactions t ON t.id = p.transaction_id \
        WHERE t.id = ANY($1) AND t.final_reason IS NOT NULL";

/// Waits for commits that refer to blobs, and makes later ones wait. Binds their ids.
const LOCK_BLOBS: &str = "SELECT id FROM blobs WHERE id = ANY($1) ORDER BY id FOR UPDATE";

/// Removes blobs to which nothing refers that is not over. Binds their ids.
const DELETE_BLOBS: &str = "DELETE FROM blobs WHERE id = ANY($1) \
    AND NOT EXISTS (SELECT 1 FROM transactions t \
        WHERE t.blob_id = blobs.id AND t.final_reason IS NULL) \
    AND NOT EXISTS (SELECT 1 FROM parts p JOIN transactions t ON t.id = p.transaction_id \
        WHERE p.blob_id = blobs.id AND t.final_reason IS NULL) RETURNING id";

async fn forget(database: &mut PgConnection, address: &Mailbox) -> Result<Vec<Named>, sqlx::Error> {
    let mut writing = database.begin().await?;
    let found = find(&mut writing, address).await?;
    let events = find_events(&mut writing, address, &Known::of(&found)).await?;
    let finals = found.iter().filter(|named| named.is_final);
    let finals: Vec<&str> = finals.map(|named| named.id.as_str()).collect();
    let blobs = sqlx::query_scalar(BLOBS).bind(&finals);
    let blobs: Vec<String> = blobs.fetch_all(&mut *writing).await?;
    // Their parts and attempts go with them.
    for delete in [
        "DELETE FROM transactions WHERE id = ANY($1) AND final_reason IS NOT NULL",
        "DELETE FROM summaries WHERE id = ANY($1)",
    ] {
        let delete = sqlx::query(delete).bind(&finals);
        delete.execute(&mut *writing).await?;
    }
    let delete = sqlx::query("DELETE FROM events WHERE number = ANY($1)").bind(events);
    delete.execute(&mut *writing).await?;
    for said in said_of(address) {
        // It does no harm that the conversation may belong to another transaction on the same
        // connection.
        for erase in [
            "UPDATE attempts SET conversation = NULL WHERE strpos(lower(conversation), $1) > 0",
            "UPDATE summaries SET conversation = NULL WHERE strpos(lower(conversation), $1) > 0",
        ] {
            let erase = sqlx::query(erase).bind(&said);
            erase.execute(&mut *writing).await?;
        }
    }
    let lock = sqlx::query(LOCK_BLOBS).bind(&blobs);
    lock.execute(&mut *writing).await?;
    let deleted = sqlx::query_scalar(DELETE_BLOBS).bind(&blobs);
    let deleted: Vec<String> = deleted.fetch_all(&mut *writing).await?;
    let delete = sqlx::query("DELETE FROM chunks WHERE blob_id = ANY($1)").bind(deleted);
    delete.execute(&mut *writing).await?;
    forget_suppressed(&mut writing, address).await?;
    writing.commit().await?;
    Ok(found)
}

/// Comes last: agents that write such changes wait from here to the commit.
async fn forget_suppressed(
    writing: &mut PgConnection,
    address: &Mailbox,
) -> Result<(), sqlx::Error> {
    let suppressed = "SELECT DISTINCT address FROM suppressions";
    let suppressed = find_same(writing, suppressed, address).await?;
    let delete = sqlx::query("DELETE FROM suppressions WHERE address = ANY($1)").bind(suppressed);
    delete.execute(&mut *writing).await?;
    let changed = "SELECT DISTINCT name FROM ban_changes WHERE sender IS NOT NULL";
    if !find_same(writing, changed, address).await?.is_empty() {
        // So many numbers on, all agents read everything again.
        let skip =
            sqlx::query("UPDATE ban_numbers SET last = last + $1").bind(i64::from(BANS_KEPT) + 1);
        skip.execute(&mut *writing).await?;
        let delete = sqlx::query("DELETE FROM ban_changes");
        delete.execute(writing).await?;
    }
    Ok(())
}
