//! Inserts of many rows at once.

use std::sync::{Arc, OnceLock};

use crate::database::{Connection, Dialect, Values};

/// Rows in one statement, at most: 64 of 29 columns are well within what databases bind.
const ROWS_AT_MOST: usize = 1 << (SIZES - 1);
const SIZES: usize = 7;

/// An insert whose rows go into one statement, 64 at a time and then fewer.
///
/// Beside [`Statement::execute_each`](super::Statement::execute_each) it brings one number for all
/// of them, and costs a third less.
pub(crate) struct BulkInsert {
    build: fn(dialect: Dialect, rows: usize) -> String,
    sqlite: [OnceLock<Arc<str>>; SIZES],
    postgres: [OnceLock<Arc<str>>; SIZES],
}

impl BulkInsert {
    /// `build` makes the text of a statement of so many rows.
    pub(super) const fn new(build: fn(dialect: Dialect, rows: usize) -> String) -> Self {
        Self {
            build,
            sqlite: [const { OnceLock::new() }; SIZES],
            postgres: [const { OnceLock::new() }; SIZES],
        }
    }

    /// Inserts `rows`, in order; returns how many were not there already, where the statement
    /// leaves those out.
    pub(crate) async fn insert<T>(
        &self,
        connection: &mut Connection,
        rows: &[T],
        bind: impl Fn(&T, &mut Values),
    ) -> Result<usize, sqlx::Error> {
        let mut inserted = 0;
        let mut rest = rows;
        while !rest.is_empty() {
            let size = rest.len().min(ROWS_AT_MOST).ilog2() as usize;
            let (now, later) = rest.split_at(1 << size);
            rest = later;
            let mut values = Values::default();
            now.iter().for_each(|row| bind(row, &mut values));
            let text = self.text(connection.dialect(), size);
            let done = connection.run(text, 1, values).await?;
            let affected: u64 = done.iter().map(|done| done.affected).sum();
            inserted += usize::try_from(affected).unwrap_or(usize::MAX);
        }
        Ok(inserted)
    }

    /// The text for two to the power of `size` rows.
    fn text(&self, dialect: Dialect, size: usize) -> Arc<str> {
        let texts = match dialect {
            Dialect::Sqlite => &self.sqlite,
            Dialect::Postgres => &self.postgres,
        };
        let text = texts[size].get_or_init(|| {
            let text = (self.build)(dialect, 1 << size);
            dialect.repeated(&text, 1).into()
        });
        Arc::clone(text)
    }
}
