//! The tables, which have the same columns in both databases.

use sqlx::{Row as _, sqlite::SqliteRow};

use crate::query::Values;

/// A table of a queue.
pub(super) struct Table {
    pub(super) name: &'static str,
    columns: &'static [(&'static str, Kind)],
}

/// The type of a column; its values may be null.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Number,
    /// A number in SQLite; never null.
    Truth,
    Text,
    Octets,
}

use Kind::{Number, Octets, Text, Truth};

/// All tables except the sessions of processes: no process is running.
pub(super) const TABLES: [Table; 10] = [
    Table {
        name: "transactions",
        columns: &[
            ("id", Text),
            ("created", Number),
            ("sender", Text),
            ("idempotency_key", Text),
            ("request_digest", Octets),
            ("context", Text),
            ("mail", Text),
            ("recipients", Text),
            ("prefix", Octets),
            ("blob_id", Text),
            ("body_len", Number),
            ("body_kind", Text),
            ("retry", Truth),
            ("notify", Truth),
            ("attempt_count", Number),
            ("attempted", Number),
            ("last_reply", Text),
            ("crash_count", Number),
            ("due_at", Number),
            ("work", Text),
            ("final_reason", Text),
            ("final_since", Number),
            ("lease_session", Text),
            ("lease_fence", Number),
            ("destination", Text),
            ("message_key", Text),
            ("reverse_path", Text),
            ("forward_paths", Text),
            ("held", Number),
            ("host", Text),
            ("send_at", Number),
        ],
    },
    Table {
        name: "parts",
        columns: &[
            ("transaction_id", Text),
            ("position", Number),
            ("name", Text),
            ("blob_id", Text),
            ("len", Number),
        ],
    },
    Table {
        name: "attempts",
        columns: &[
            ("transaction_id", Text),
            ("number", Number),
            ("started", Number),
            ("ended", Number),
            ("host", Text),
            ("address", Text),
            ("outcome", Text),
            ("conversation", Text),
        ],
    },
    Table {
        name: "summaries",
        columns: &[
            ("id", Text),
            ("created", Number),
            ("sender", Text),
            ("context", Text),
            ("mail", Text),
            ("recipients", Text),
            ("attempt_count", Number),
            ("last_attempt", Text),
            ("final_reason", Text),
            ("final_since", Number),
            ("destination", Text),
            ("reverse_path", Text),
            ("forward_paths", Text),
            ("last_reply", Text),
            ("conversation", Text),
        ],
    },
    Table {
        name: "blobs",
        columns: &[
            ("id", Text),
            ("len", Number),
            ("is_finished", Truth),
            ("created", Number),
        ],
    },
    Table {
        name: "chunks",
        columns: &[("blob_id", Text), ("start", Number), ("octets", Octets)],
    },
    Table {
        name: "events",
        columns: &[
            ("number", Number),
            ("at", Number),
            ("transaction_id", Text),
            ("sender", Text),
            ("kind", Text),
            ("details", Text),
        ],
    },
    Table {
        name: "cursors",
        columns: &[("name", Text), ("number", Number)],
    },
    Table {
        name: "suspensions",
        columns: &[("host", Text), ("since", Number), ("suspended_by", Text)],
    },
    Table {
        name: "suppressions",
        columns: &[
            ("sender", Text),
            ("address", Text),
            ("since", Number),
            ("until", Number),
            ("reason", Text),
        ],
    },
];

impl Table {
    fn names(&self) -> String {
        let names: Vec<_> = self.columns.iter().map(|(name, _)| *name).collect();
        names.join(", ")
    }

    /// Reads all rows.
    pub(super) fn select(&self) -> String {
        format!("SELECT {} FROM {}", self.names(), self.name)
    }

    /// Writes `rows` rows, in PostgreSQL's SQL.
    pub(super) fn insert(&self, rows: usize) -> String {
        let width = self.columns.len();
        let row = |row: usize| {
            let places = (1..=width).map(|place| format!("${}", row * width + place));
            format!("({})", places.collect::<Vec<_>>().join(", "))
        };
        let rows: Vec<_> = (0..rows).map(row).collect();
        let (name, names) = (self.name, self.names());
        format!("INSERT INTO {name} ({names}) VALUES {}", rows.join(", "))
    }
}

/// Adds the values of a row. Returns their approximate size in octets.
pub(super) fn add(
    row: &SqliteRow,
    table: &Table,
    values: &mut Values,
) -> Result<usize, sqlx::Error> {
    let mut octets = 0;
    for (place, (_, kind)) in table.columns.iter().enumerate() {
        match kind {
            Number => {
                values.add(row.try_get::<Option<i64>, _>(place)?);
            }
            Truth => {
                values.add(row.try_get::<i64, _>(place)? != 0);
            }
            Text => {
                let text = row.try_get::<Option<&str>, _>(place)?;
                octets += text.map_or(0, str::len);
                values.add(text);
            }
            Octets => {
                let held = row.try_get::<Option<&[u8]>, _>(place)?;
                octets += held.map_or(0, <[u8]>::len);
                values.add(held);
            }
        }
    }
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};

    use super::*;
    use crate::SqliteOptions;

    async fn texts(connection: &mut SqliteConnection, sql: String) -> Vec<String> {
        let texts = sqlx::query_scalar(AssertSqlSafe(sql));
        texts.fetch_all(connection).await.unwrap()
    }

    #[tokio::test]
    async fn all_tables_and_all_their_columns_are_moved() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("queue.sqlite");
        SqliteOptions::new(&path).migrate().await.unwrap();
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
        let mut connection = options.connect().await.unwrap();
        let all = "SELECT name FROM sqlite_master WHERE type = 'table' \
            AND name NOT LIKE 'sqlite%' AND name <> '_sqlx_migrations' ORDER BY name";
        let all = texts(&mut connection, all.into()).await;
        let mut moved: Vec<_> = TABLES.iter().map(|table| table.name).collect();
        moved.sort_unstable();
        assert_eq!(all, moved);
        for table in &TABLES {
            let columns = format!(
                "SELECT name FROM pragma_table_info('{}') ORDER BY name",
                table.name
            );
            let columns = texts(&mut connection, columns).await;
            let mut moved: Vec<_> = table.columns.iter().map(|(name, _)| *name).collect();
            moved.sort_unstable();
            assert_eq!(columns, moved, "{}", table.name);
        }
        connection.close().await.unwrap();
    }
}
