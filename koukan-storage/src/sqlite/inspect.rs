//! Checks that a file is one of our databases, before anything is written to it.

use std::{
    fs::{self, File},
    io,
    path::Path,
};

use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row, SqliteConnection};

use super::{
    OpenError, SqliteOptions,
    error::Cause,
    files::beside,
    held::{Held, begin},
};

/// The application id in the file's header: `KOUK`.
pub(super) const APPLICATION_ID: i32 = i32::from_be_bytes(*b"KOUK");
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
const HEADER: usize = 100;
/// The tables that every version has.
const TABLES: [&str; 4] = ["_sqlx_migrations", "transactions", "blobs", "chunks"];
/// Tables that are checked page by page even in a large database, since they hold the queue.
const CHECKED: [&str; 4] = ["transactions", "blobs", "parts", "attempts"];
/// Databases up to this size, in octets, are checked completely, which takes less than a second.
const CHECKED_WHOLE: u64 = 64 << 20;

/// `SQLITE_IOERR`; the bits above the lowest octet give details.
const IO_ERROR: u32 = 10;

/// What stands at the path of a database.
pub(super) enum Found {
    Nothing,
    /// A database, judging by its first octets and its length, of this many octets.
    Database(u64),
}

/// The purpose of opening a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// Looks at the file without opening it as a database.
pub(super) fn look(path: &Path, access: Access) -> Result<Found, OpenError> {
    let failed = |source| OpenError::Io {
        path: path.into(),
        source,
    };
    let log = fs::metadata(beside(path, "-wal")).map_or(0, |log| log.len());
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // A link without a target: the disk of the target may not be mounted yet.
            return if fs::symlink_metadata(path).is_ok() {
                Err(failed(error))
            } else if log > 0 {
                Err(OpenError::LogAlone { path: path.into() })
            } else {
                Ok(Found::Nothing)
            };
        }
        Err(error) => return Err(failed(error)),
    };
    if !metadata.is_file() {
        return Err(OpenError::NotAFile { path: path.into() });
    }
    if metadata.len() == 0 {
        return Err(OpenError::Empty { path: path.into() });
    }
    if access == Access::Write {
        // SQLite itself would silently open it for reading only.
        File::options().write(true).open(path).map_err(failed)?;
    }
    let held = Held::open(path).map_err(failed)?;
    let mut header = [0; HEADER];
    let read = begin(held.file(), &mut header).map_err(failed)?;
    match whole_len(&header[..read]) {
        None => Err(OpenError::NotADatabase { path: path.into() }),
        // If there is a log, the file may be shorter than its header says until the log is copied
        // into it.
        Some(len) if len > metadata.len() && log == 0 => Err(OpenError::Damaged {
            path: path.into(),
            what: format!("it has {} octets and should have {len}", metadata.len()),
        }),
        Some(_) => Ok(Found::Database(metadata.len())),
    }
}

/// The length of a database according to its header, 0 where the header does not say; `None` where
/// the file is not a database. <https://www.sqlite.org/fileformat.html>, section 1.3.
pub(super) fn whole_len(header: &[u8]) -> Option<u64> {
    if header.len() < HEADER || !header.starts_with(MAGIC) {
        return None;
    }
    let number = |at: usize| {
        let octets = [header[at], header[at + 1], header[at + 2], header[at + 3]];
        u64::from(u32::from_be_bytes(octets))
    };
    let page = match u16::from_be_bytes([header[16], header[17]]) {
        1 => 65_536,
        page => u64::from(page),
    };
    let is_said = number(24) == number(92);
    Some(if is_said { page * number(28) } else { 0 })
}

/// Checks that the database of `len` octets is one of ours, and undamaged, before it is opened for
/// writing. Neither the database nor its log changes.
pub(super) async fn inspect(
    options: &SqliteOptions,
    path: &Path,
    len: u64,
) -> Result<(), OpenError> {
    let failed = |error: sqlx::Error| Cause::from(error).into_open_error(path);
    let connection = options.inspecting(path).connect().await;
    let mut connection = connection.map_err(failed)?;
    let verified = verify(&mut connection, path, len).await;
    let closed = connection.close().await.map_err(failed);
    verified.and(closed)
}

/// Checks that the database of `len` octets is one of ours, and undamaged.
pub(super) async fn verify(
    connection: &mut SqliteConnection,
    path: &Path,
    len: u64,
) -> Result<(), OpenError> {
    let failed = |error: sqlx::Error| Cause::from(error).into_open_error(path);
    let tables = tables_of_ours(connection, path).await?;
    let has = |name: &&str| tables.iter().any(|table| table == name);
    let checks: Vec<_> = if len <= CHECKED_WHOLE {
        vec!["PRAGMA quick_check(1)".to_owned()]
    } else {
        let there = CHECKED.iter().filter(|name| has(name));
        there
            .map(|table| format!("PRAGMA quick_check({table})"))
            .collect()
    };
    for check in checks {
        let found = texts(connection, check).await.map_err(failed)?;
        if let Some(wrong) = found.into_iter().find(|line| line != "ok") {
            if is_unreadable(&wrong) {
                let (path, source) = (path.into(), wrong.into());
                return Err(OpenError::Failed { path, source });
            }
            // The result has several lines; the first one names the table.
            return Err(damaged(path, wrong.replace('\n', "; ")));
        }
    }
    Ok(())
}

/// Whether a check says that the disk could not be read, which is no damage.
fn is_unreadable(line: &str) -> bool {
    let code = line.rsplit_once("error code=");
    let code = code.and_then(|(_, code)| code.trim().parse::<u32>().ok());
    code.is_some_and(|code| code & 0xff == IO_ERROR)
}

/// The tables of a database, if it is one of ours.
pub(super) async fn tables_of_ours(
    connection: &mut SqliteConnection,
    path: &Path,
) -> Result<Vec<String>, OpenError> {
    let failed = |error: sqlx::Error| Cause::from(error).into_open_error(path);
    let tables = "SELECT name FROM sqlite_master WHERE type = 'table'";
    let tables = texts(connection, tables.into()).await.map_err(failed)?;
    let has = |name: &&str| tables.iter().any(|table| table == name);
    if let Some(missing) = TABLES.iter().find(|name| !has(name)) {
        let id = application_id(connection).await.map_err(failed)?;
        return Err(if id == APPLICATION_ID {
            damaged(path, format!("its table {missing} is missing"))
        } else {
            OpenError::Foreign { path: path.into() }
        });
    }
    Ok(tables)
}

fn damaged(path: &Path, what: String) -> OpenError {
    OpenError::Damaged {
        path: path.into(),
        what,
    }
}

/// The application id in the header; 0 where there is none.
pub(super) async fn application_id(connection: &mut SqliteConnection) -> Result<i32, sqlx::Error> {
    let id = sqlx::query_scalar("PRAGMA application_id");
    id.fetch_one(connection).await
}

async fn texts(connection: &mut SqliteConnection, sql: String) -> Result<Vec<String>, sqlx::Error> {
    let rows = sqlx::query(AssertSqlSafe(sql))
        .fetch_all(connection)
        .await?;
    rows.iter().map(|row| row.try_get(0)).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_page_that_could_not_be_read_is_no_damage() {
        for (line, is_unreadable) in [
            (
                "Tree 5 page 7: unable to get the page. error code=8458",
                true,
            ),
            ("Tree 5 page 7: unable to get the page. error code=10", true),
            (
                "Tree 5 page 7: unable to get the page. error code=11",
                false,
            ),
            (
                "Tree 5 page 7: btreeInitPage() returns error code 11",
                false,
            ),
            ("row 3 missing from index transactions_due", false),
        ] {
            assert_eq!(super::is_unreadable(line), is_unreadable, "{line}");
        }
    }
}
