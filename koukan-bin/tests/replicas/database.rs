//! A PostgreSQL server with a synchronous standby, and a record of which process writes what.

use std::time::Duration;

use crate::{
    postgres::{Durability, Server, execute},
    process::eventually,
};

/// How long a standby may take until commits wait for it.
const SYNCHRONOUS: Duration = Duration::from_secs(30);

/// Checks writes, in the database itself: only the holder of the lease writes to a leased
/// transaction, as long as that process lives, and a final state does not change.
///
/// Each process writes its name into a setting of its connections. A session belongs to the process
/// that has begun it.
const WATCH: &str = r"
CREATE TABLE watched_sessions (id TEXT PRIMARY KEY, process TEXT NOT NULL);
CREATE TABLE violations (what TEXT NOT NULL, id TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL);

CREATE FUNCTION watch_sessions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO watched_sessions VALUES (NEW.id, current_setting('koukan.process', true)) ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER watch_sessions AFTER INSERT ON sessions FOR EACH ROW EXECUTE FUNCTION watch_sessions();

CREATE FUNCTION watch_transactions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.final_reason IS NOT NULL AND NEW.final_reason IS DISTINCT FROM OLD.final_reason THEN
        INSERT INTO violations VALUES ('final', OLD.id, OLD::text, NEW::text);
    END IF;
    IF NEW.lease_fence < OLD.lease_fence THEN
        INSERT INTO violations VALUES ('fence', OLD.id, OLD::text, NEW::text);
    END IF;
    IF OLD.lease_session IS NOT NULL
        AND (NEW.lease_session IS DISTINCT FROM OLD.lease_session OR NEW.recipients <> OLD.recipients
            OR NEW.final_reason IS DISTINCT FROM OLD.final_reason)
        AND EXISTS (SELECT 1 FROM sessions WHERE id = OLD.lease_session)
        AND EXISTS (SELECT 1 FROM watched_sessions WHERE id = OLD.lease_session
            AND process <> current_setting('koukan.process', true))
    THEN
        INSERT INTO violations VALUES ('not the holder', OLD.id, OLD::text, NEW::text);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER watch_transactions AFTER UPDATE ON transactions FOR EACH ROW EXECUTE FUNCTION watch_transactions();
";

pub(crate) struct Database {
    primary: Server,
    standby: Option<Server>,
    pub(crate) name: String,
}

impl Database {
    /// Starts a database, and a standby that must confirm each commit.
    pub(crate) fn start() -> Self {
        let primary = Server::start(Durability::Full);
        let name = "replicated".to_owned();
        primary.execute("postgres", "CREATE DATABASE replicated");
        let standby = primary.standby();
        primary.execute(
            "postgres",
            "ALTER SYSTEM SET synchronous_standby_names = '*'",
        );
        primary.execute("postgres", "SELECT pg_reload_conf()");
        let database = Self {
            primary,
            standby: Some(standby),
            name,
        };
        eventually(SYNCHRONOUS, || {
            database.ask("SELECT sync_state FROM pg_stat_replication") == "sync"
        });
        database
    }

    /// Begins to check writes; the tables must exist.
    pub(crate) fn watch(&self) {
        self.ask(WATCH);
    }

    pub(crate) fn socket(&self) -> std::path::PathBuf {
        self.primary.socket()
    }

    pub(crate) fn crash(&mut self) {
        self.primary.crash();
    }

    pub(crate) fn restart(&mut self) {
        self.primary.restart();
    }

    /// Promotes the standby, after the server has crashed.
    pub(crate) fn fail_over(&mut self) {
        let standby = self.standby.take().expect("it fails over once");
        standby.promote();
        self.primary = standby;
    }

    /// Runs a statement and returns its result.
    pub(crate) fn ask(&self, sql: &str) -> String {
        let url = self.primary.url(&self.name);
        execute(&url, sql).trim().to_owned()
    }
}
