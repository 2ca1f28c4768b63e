//! Inserts many rows at once.

use std::sync::{Arc, OnceLock};

use crate::database::{Connection, Dialect, Values};

/// Rows in one statement of SQLite, at most: 64 rows of 29 columns stay well below the limit for
/// parameters.
const ROWS_AT_MOST: usize = 1 << (SIZES - 1);
const SIZES: usize = 7;
/// Rows in one statement of PostgreSQL, at most: that many chunks are 64 MiB.
const TOGETHER_AT_MOST: usize = 256;

/// An insert of many rows. For SQLite one statement takes 64 rows, and fewer at the end. For PostgreSQL it
/// takes any number, and each column is bound as a list.
///
/// In contrast to [`Statement::execute_each`](super::Statement::execute_each) it gives one count for all
/// rows, and costs a third less.
pub(crate) struct BulkInsert {
    width: usize,
    rows: fn(rows: usize) -> String,
    columns: fn() -> String,
    sqlite: [OnceLock<Arc<str>>; SIZES],
    postgres: OnceLock<Arc<str>>,
}

impl BulkInsert {
    /// An insert of rows with `width` columns. `rows` makes the text of a statement that binds rows one after the
    /// other. `columns` makes the text for PostgreSQL, which binds lists.
    pub(super) const fn new(
        width: usize,
        rows: fn(rows: usize) -> String,
        columns: fn() -> String,
    ) -> Self {
        Self {
            width,
            rows,
            columns,
            sqlite: [const { OnceLock::new() }; SIZES],
            postgres: OnceLock::new(),
        }
    }

    /// Inserts `rows`, in order. Returns how many did not exist, where the statement skips existing
    /// ones.
    pub(crate) async fn insert<T>(
        &self,
        connection: &mut Connection,
        rows: &[T],
        bind: impl Fn(&T, &mut Values),
    ) -> Result<usize, sqlx::Error> {
        let dialect = connection.dialect();
        let mut inserted = 0;
        let mut rest = rows;
        while !rest.is_empty() {
            let (count, text) = match dialect {
                Dialect::Sqlite => {
                    let size = rest.len().min(ROWS_AT_MOST).ilog2() as usize;
                    (1 << size, self.text(size))
                }
                Dialect::Postgres => (rest.len().min(TOGETHER_AT_MOST), self.text_of_columns()),
            };
            let (now, later) = rest.split_at(count);
            rest = later;
            let mut values = Values::default();
            now.iter().for_each(|row| bind(row, &mut values));
            if dialect == Dialect::Postgres {
                let rows = std::mem::take(&mut values);
                values.add_columns(self.width, rows);
            }
            let done = connection.run(text, 1, values).await?;
            let affected: u64 = done.iter().map(|done| done.affected).sum();
            inserted += usize::try_from(affected).unwrap_or(usize::MAX);
        }
        Ok(inserted)
    }

    /// The text for 2^`size` rows.
    fn text(&self, size: usize) -> Arc<str> {
        let text = self.sqlite[size].get_or_init(|| {
            let text = (self.rows)(1 << size);
            Dialect::Sqlite.repeated(&text, 1).into()
        });
        Arc::clone(text)
    }

    fn text_of_columns(&self) -> Arc<str> {
        let text = self.postgres.get_or_init(|| {
            let text = (self.columns)();
            Dialect::Postgres.repeated(&text, 1).into()
        });
        Arc::clone(text)
    }
}

/// Rows out of `width` bound lists.
pub(super) fn unnest(width: usize) -> String {
    format!("UNNEST({})", vec!["?"; width].join(", "))
}

/// An insert for PostgreSQL whose columns are bound as lists.
pub(super) fn insert_columns(table: &str, columns: &[String]) -> String {
    let rows = unnest(columns.len());
    format!(
        "INSERT INTO {table} ({}) SELECT * FROM {rows}",
        columns.join(", ")
    )
}
