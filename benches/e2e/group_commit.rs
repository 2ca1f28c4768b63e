//! How many messages a second SQLite alone commits, fifty at a time: an upper bound for any agent
//! that keeps its messages in SQLite.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use crate::Failed;

const SCHEMA: [&str; 2] = [
    include_str!("../../koukan-storage/migrations/sqlite/0001_initial.sql"),
    include_str!("../../koukan-storage/migrations/sqlite/0002_rest.sql"),
];
/// Messages in a commit.
const GROUP: usize = 50;
/// The number of commits after which the log is checkpointed, about as often as the agent does it.
const CHECKPOINT: u32 = 20;
const TIME: Duration = Duration::from_secs(2);

/// Messages a second; each is a blob, a chunk and a transaction as the agent writes them.
pub(crate) fn per_second(size: usize) -> Result<f64, Failed> {
    let directory = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(insert(&directory.path().join("ceiling.sqlite"), size))
}

async fn insert(path: &Path, size: usize) -> Result<f64, Failed> {
    let mut connection = open(path).await?;
    let group = group(GROUP);
    let octets = vec![b'x'; size];
    let mut written = 0_u64;
    let mut commits = 0;
    let start = Instant::now();
    while start.elapsed() < TIME {
        let mut query = sqlx::query(AssertSqlSafe(group.as_str()));
        let numbers = written..written + GROUP as u64;
        for number in numbers.clone() {
            query = query.bind(id(2 * number + 1)).bind(size as i64);
        }
        for number in numbers.clone() {
            query = query.bind(id(2 * number + 1)).bind(octets.as_slice());
        }
        for number in numbers {
            let to = format!(r#"[{{"forward_path":"m{number:010}-0@example.com"}}]"#);
            let (transaction, blob) = (id(2 * number), id(2 * number + 1));
            query = query
                .bind(transaction)
                .bind(to)
                .bind(blob)
                .bind(size as i64);
        }
        written += GROUP as u64;
        query.execute(&mut connection).await?;
        commits += 1;
        if commits % CHECKPOINT == 0 {
            let checkpoint = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)");
            checkpoint.execute(&mut connection).await?;
        }
    }
    let rate = written as f64 / start.elapsed().as_secs_f64();
    connection.close().await?;
    Ok(rate)
}

/// A database like the agent's.
async fn open(path: &Path) -> Result<SqliteConnection, Failed> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .page_size(4096)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(false)
        .pragma("wal_autocheckpoint", "0")
        .pragma("cache_size", "-4096")
        .pragma("temp_store", "memory")
        .disable_statement_logging();
    let mut connection = options.connect().await?;
    for script in SCHEMA {
        sqlx::raw_sql(script).execute(&mut connection).await?;
    }
    Ok(connection)
}

/// All statements of one commit in one text, and all rows of a table in one statement: the fastest way.
fn group(messages: usize) -> String {
    let rows = |row: &str| vec![row; messages].join(", ");
    let (blob, chunk) = (rows("(?, ?, 1, 1795521486704529)"), rows("(?, 0, ?)"));
    let transaction = rows(
        r#"(?, 1795521486704529, '{"sender":"app"}', '{"reverse_path":"load@example.org"}', ?, x'', ?,
            ?, 1, 1, 0, 0, 1795521486704529, 'attempt', '423d7dz43cc8s8j8qwq0pmhcqp', 1, 'app')"#,
    );
    format!(
        "BEGIN;
        INSERT INTO blobs (id, len, is_finished, created) VALUES {blob};
        INSERT INTO chunks (blob_id, start, octets) VALUES {chunk};
        INSERT INTO transactions (id, created, context, mail, recipients, prefix, blob_id, body_len,
            retry, notify, attempt_count, crash_count, due_at, work, lease_session, lease_fence,
            sender)
        VALUES {transaction};
        COMMIT;"
    )
}

/// An identity like the agent's: later ones are greater.
fn id(number: u64) -> String {
    let scrambled = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("{number:010}{scrambled:016x}")
}

#[cfg(test)]
mod tests {
    use super::{GROUP, group, id};

    #[test]
    fn a_group_binds_eight_values_for_each_message() {
        assert_eq!(group(GROUP).matches('?').count(), 8 * GROUP);
        assert!(id(1) < id(2) && id(1).len() == 26);
    }
}
