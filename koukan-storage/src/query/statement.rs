//! Statements whose text is built once.

use std::sync::{Arc, OnceLock};

use futures_util::TryStreamExt;
use sqlx::{
    Arguments as _, AssertSqlSafe, Either, Encode, Executor, Sqlite, SqliteConnection, Type,
    sqlite::{SqliteArguments, SqliteRow},
};

/// Statements that are executed in one go, at most.
const REPEATED_AT_MOST: usize = 1 << (SIZES - 1);
const SIZES: usize = 7;

/// A statement; its text is built when it is first needed and stays prepared from then on.
///
/// Each execution goes through the connection's own thread, which costs more than a small
/// statement itself. So the text is also kept repeated, 2, 4, … 64 times, and many executions are
/// one round trip.
pub(crate) struct Statement {
    build: fn() -> String,
    texts: [OnceLock<Arc<str>>; SIZES],
}

/// The values of a statement's parameters, in order.
#[derive(Default)]
pub(crate) struct Values(SqliteArguments);

/// What one execution brought.
#[derive(Default)]
pub(crate) struct Executed {
    pub(crate) affected: u64,
    pub(crate) rows: Vec<SqliteRow>,
}

impl Statement {
    pub(crate) const fn new(build: fn() -> String) -> Self {
        Self {
            build,
            texts: [const { OnceLock::new() }; SIZES],
        }
    }

    /// The text of a single execution, for connections of a pool.
    pub(crate) fn text(&self) -> AssertSqlSafe<Arc<str>> {
        self.repeated(0)
    }

    /// Executes the statement once.
    pub(crate) async fn execute(
        &self,
        connection: &mut SqliteConnection,
        values: Values,
    ) -> Result<Executed, sqlx::Error> {
        let executed = self.run(connection, 0, values).await?;
        Ok(executed.into_iter().next().unwrap_or_default())
    }

    /// Executes the statement once for each of `requests`, in order.
    pub(crate) async fn execute_each<T>(
        &self,
        connection: &mut SqliteConnection,
        requests: &[T],
        bind: impl Fn(&T, &mut Values),
    ) -> Result<Vec<Executed>, sqlx::Error> {
        let mut executed = Vec::with_capacity(requests.len());
        let mut rest = requests;
        while !rest.is_empty() {
            let size = rest.len().min(REPEATED_AT_MOST).ilog2() as usize;
            let (now, later) = rest.split_at(1 << size);
            rest = later;
            let mut values = Values::default();
            now.iter().for_each(|request| bind(request, &mut values));
            executed.extend(self.run(connection, size, values).await?);
        }
        Ok(executed)
    }

    async fn run(
        &self,
        connection: &mut SqliteConnection,
        size: usize,
        values: Values,
    ) -> Result<Vec<Executed>, sqlx::Error> {
        let query = sqlx::query_with(self.repeated(size), values.0);
        let mut results = connection.fetch_many(query);
        let mut executed = Vec::with_capacity(1 << size);
        let mut rows = Vec::new();
        while let Some(result) = results.try_next().await? {
            match result {
                Either::Right(row) => rows.push(row),
                Either::Left(done) => executed.push(Executed {
                    affected: done.rows_affected(),
                    rows: std::mem::take(&mut rows),
                }),
            }
        }
        Ok(executed)
    }

    /// The text, two to the power of `size` times.
    fn repeated(&self, size: usize) -> AssertSqlSafe<Arc<str>> {
        let text = self.texts[size].get_or_init(|| {
            let mut text = (self.build)();
            text.push_str(";\n");
            text.repeat(1 << size).into()
        });
        AssertSqlSafe(Arc::clone(text))
    }
}

impl Values {
    pub(crate) fn add<'v, T>(&mut self, value: T) -> &mut Self
    where
        T: Encode<'v, Sqlite> + Type<Sqlite>,
    {
        let added = self.0.add(value);
        added.expect("texts, numbers and octets can be encoded");
        self
    }

    pub(crate) fn into_arguments(self) -> SqliteArguments {
        self.0
    }
}
