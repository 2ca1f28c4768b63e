//! Another user of a database.

use tokio::task::JoinHandle;

use crate::postgres::execute;

/// A connection that holds a lock on a table.
pub(crate) struct Locking {
    url: String,
    table: &'static str,
    held: Option<JoinHandle<String>>,
}

impl Locking {
    pub(crate) async fn of(url: &str, table: &'static str) -> Self {
        let sql = format!(
            "BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE; \
             DO $$ BEGIN WHILE NOT EXISTS (SELECT 1 FROM cursors WHERE name = 'end') \
             LOOP PERFORM pg_sleep(0.01); END LOOP; END $$; COMMIT"
        );
        let at = url.to_owned();
        let held = tokio::task::spawn_blocking(move || execute(&at, &sql));
        let locking = Self {
            url: url.to_owned(),
            table,
            held: Some(held),
        };
        locking
            .until("granted AND mode = 'AccessExclusiveLock'")
            .await;
        locking
    }

    pub(crate) async fn until_waited_for(&self) {
        self.until("NOT granted").await;
    }

    async fn until(&self, lock: &str) {
        let table = self.table;
        let sql = format!(
            "SELECT count(*) FROM pg_locks WHERE relation = '{table}'::regclass AND {lock}"
        );
        while execute(&self.url, &sql).trim() == "0" {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) async fn end(mut self) {
        let held = self.held.take();
        drop(self);
        held.unwrap().await.unwrap();
    }
}

impl Drop for Locking {
    fn drop(&mut self) {
        execute(&self.url, "INSERT INTO cursors VALUES ('end', 0)");
    }
}
