//! Rows.

use sqlx::{ColumnIndex, Decode, Row as _, Sqlite, Type, sqlite::SqliteRow};

#[cfg(feature = "postgres")]
use sqlx::{Postgres, postgres::PgRow};

/// A row that was read.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    #[cfg(feature = "postgres")]
    Postgres(PgRow),
}

impl Row {
    /// The value of a column, by position or name.
    pub(crate) fn try_get<'r, T: Column<'r>, I: Index>(
        &'r self,
        index: I,
    ) -> Result<T, sqlx::Error> {
        match self {
            Self::Sqlite(row) => row.try_get(index),
            #[cfg(feature = "postgres")]
            Self::Postgres(row) => row.try_get(index),
        }
    }

    #[cfg(feature = "postgres")]
    pub(super) fn last<'r, T: Column<'r>>(&'r self) -> Result<T, sqlx::Error> {
        let last = match self {
            Self::Sqlite(row) => row.len(),
            Self::Postgres(row) => row.len(),
        };
        self.try_get(last.saturating_sub(1))
    }
}

// The types that every database of this build can read.

#[cfg(feature = "postgres")]
pub(crate) trait Column<'r>:
    Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>
{
}
#[cfg(feature = "postgres")]
impl<'r, T> Column<'r> for T where
    T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>
{
}
#[cfg(not(feature = "postgres"))]
pub(crate) trait Column<'r>: Decode<'r, Sqlite> + Type<Sqlite> {}
#[cfg(not(feature = "postgres"))]
impl<'r, T> Column<'r> for T where T: Decode<'r, Sqlite> + Type<Sqlite> {}

#[cfg(feature = "postgres")]
pub(crate) trait Index: ColumnIndex<SqliteRow> + ColumnIndex<PgRow> {}
#[cfg(feature = "postgres")]
impl<T: ColumnIndex<SqliteRow> + ColumnIndex<PgRow>> Index for T {}
#[cfg(not(feature = "postgres"))]
pub(crate) trait Index: ColumnIndex<SqliteRow> {}
#[cfg(not(feature = "postgres"))]
impl<T: ColumnIndex<SqliteRow>> Index for T {}
