//! Statements whose text is built once.

use std::sync::{Arc, OnceLock};

use crate::database::{Connection, Dialect, Executed, Values};

/// How many executions of a statement are sent together at most.
const REPEATED_AT_MOST: usize = 1 << (SIZES - 1);
const SIZES: usize = 7;

/// A statement. Its text is built when it is first needed, and stays prepared from then on.
///
/// An execution is a message to SQLite's thread or to another host, which costs more than a small
/// statement itself. So the text is also kept repeated 2, 4, … 64 times, and many executions are one
/// round trip. They must not depend on each other: PostgreSQL runs them at the same time.
pub(crate) struct Statement {
    build: fn(Dialect) -> String,
    sqlite: [OnceLock<Arc<str>>; SIZES],
    postgres: [OnceLock<Arc<str>>; SIZES],
}

impl Statement {
    pub(crate) const fn new(build: fn(Dialect) -> String) -> Self {
        Self {
            build,
            sqlite: [const { OnceLock::new() }; SIZES],
            postgres: [const { OnceLock::new() }; SIZES],
        }
    }

    /// The text of a single execution.
    pub(crate) fn text(&self, dialect: Dialect) -> Arc<str> {
        self.repeated(dialect, 0)
    }

    /// Executes the statement once.
    pub(crate) async fn execute(
        &self,
        connection: &mut Connection,
        values: Values,
    ) -> Result<Executed, sqlx::Error> {
        let text = self.text(connection.dialect());
        let executed = connection.run(text, 1, values).await?;
        Ok(executed.into_iter().next().unwrap_or_default())
    }

    /// Executes the statement once for each of `requests`, in order.
    pub(crate) async fn execute_each<T>(
        &self,
        connection: &mut Connection,
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
            let text = self.repeated(connection.dialect(), size);
            executed.extend(connection.run(text, now.len(), values).await?);
        }
        Ok(executed)
    }

    /// The text, 2^`size` times.
    fn repeated(&self, dialect: Dialect, size: usize) -> Arc<str> {
        let texts = match dialect {
            Dialect::Sqlite => &self.sqlite,
            Dialect::Postgres => &self.postgres,
        };
        let text = texts[size].get_or_init(|| {
            let text = (self.build)(dialect);
            dialect.repeated(&text, 1 << size).into()
        });
        Arc::clone(text)
    }
}
