//! The PostgreSQL server, and what it uses.

use serde_json::{Value, json};

use crate::{
    Failed,
    process::{children, cpu_seconds, cpu_seconds_with_ended},
};

use super::server::{Durability, Server, execute};

/// PostgreSQL's defaults where other tests change them; and the duration of syncs is measured.
const SETTINGS: &str = "-c shared_buffers=128MB -c track_wal_io_timing=on";

/// Syncs of the write-ahead log, as PostgreSQL 18 counts them.
const SYNCS: &str = "SELECT jsonb_build_object('fsyncs', sum(fsyncs), 'fsync_time', sum(fsync_time)) \
     FROM pg_stat_io WHERE object = 'wal'";

/// A server that syncs each commit.
pub(super) struct Cluster(Server);

/// What it has used and written so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Usage {
    /// Processor time in seconds, of all its processes.
    pub(super) cpu: f64,
    /// Octets of the write-ahead log, and how many of them are full-page images.
    wal: f64,
    pages: f64,
    syncs: f64,
    /// Milliseconds spent on syncs.
    syncing: f64,
}

impl Cluster {
    pub(super) fn start() -> Self {
        Self(Server::start_with(Durability::Full, SETTINGS))
    }

    /// The URL of a new, empty database.
    pub(super) fn database(&self) -> String {
        self.0.database()
    }

    /// The URL of a copy of an unused database, with the same tables and no rows.
    pub(super) fn emptied(&self, database: &str) -> String {
        let (_, name) = database.rsplit_once('/').expect("a URL has a path");
        let copy = format!("{name}_emptied");
        self.0
            .execute("postgres", &format!("DROP DATABASE IF EXISTS {copy}"));
        let create = format!("CREATE DATABASE {copy} TEMPLATE {name}");
        self.0.execute("postgres", &create);
        let url = self.0.url(&copy);
        execute(&url, "TRUNCATE transactions, attempts, blobs, chunks");
        url
    }

    /// So that each run begins in the same state: after a checkpoint, each changed page is logged as a whole.
    pub(super) fn checkpoint(&self) {
        self.0.execute("postgres", "CHECKPOINT");
    }

    pub(super) fn cpu_seconds(&self) -> f64 {
        let first = self.0.process();
        let others = children(first).into_iter();
        let others: f64 = others.map(|child| cpu_seconds(&child.to_string())).sum();
        cpu_seconds_with_ended(first) + others
    }

    pub(super) fn usage(&self) -> Usage {
        let wal = self.ask("SELECT to_jsonb(told) FROM pg_stat_wal AS told");
        let io = match wal.get("wal_sync") {
            Some(_) => Value::Null,
            None => self.ask(SYNCS),
        };
        usage(self.cpu_seconds(), &wal, &io)
    }

    /// What a question gives, a row as a JSON object.
    fn ask(&self, question: &str) -> Value {
        let told = self.0.execute("postgres", question);
        serde_json::from_str(told.trim()).unwrap_or_default()
    }
}

/// Of what the server tells by names: PostgreSQL 18 counts syncs elsewhere than those before it.
fn usage(cpu: f64, wal: &Value, io: &Value) -> Usage {
    let number = |told: &Value, name: &str| told[name].as_f64();
    let synced = |of_wal: &str, of_io: &str| {
        let number = number(wal, of_wal).or_else(|| number(io, of_io));
        number.unwrap_or_default()
    };
    Usage {
        cpu,
        wal: number(wal, "wal_bytes").unwrap_or_default(),
        pages: number(wal, "wal_fpi").unwrap_or_default(),
        syncs: synced("wal_sync", "fsyncs"),
        syncing: synced("wal_sync_time", "fsync_time"),
    }
}

/// How many commits agents have made to write messages.
pub(super) fn commits(database: &str) -> f64 {
    let told = execute(database, "SELECT sum(number) FROM commits");
    told.trim().parse().unwrap_or_default()
}

/// Checks that this many messages are queued, each with all its octets.
pub(super) fn check(database: &str, messages: u64) -> Result<(), Failed> {
    let question = "SELECT count(*) FROM transactions JOIN blobs ON blobs.id = blob_id \
         WHERE final_reason IS NULL AND is_finished AND len = body_len - length(prefix) \
         AND len = (SELECT sum(length(octets)) FROM chunks WHERE chunks.blob_id = blobs.id)";
    let told = execute(database, question);
    match told.trim() == messages.to_string() {
        true => Ok(()),
        false => {
            let count = told.trim();
            Err(format!("of {messages} promised messages {count} are in the database").into())
        }
    }
}

/// Adds what was written between two measurements, for each message.
pub(super) fn tell(run: &mut Value, before: Usage, after: Usage, messages: f64) {
    let syncs = after.syncs - before.syncs;
    run["wal_kib"] = json!((after.wal - before.wal) / messages / 1024.0);
    run["wal_pages"] = json!((after.pages - before.pages) / messages);
    run["syncs"] = json!(syncs / messages);
    run["sync_ms"] = json!((after.syncing - before.syncing) / syncs.max(1.0));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syncs_are_found_where_each_version_counts_them() {
        let before = json!({"wal_bytes": 8192, "wal_fpi": 3, "wal_sync": 5, "wal_sync_time": 7.5});
        let since_18 = json!({"wal_bytes": 8192, "wal_fpi": 3, "wal_buffers_full": 0});
        let io = json!({"fsyncs": 5, "fsync_time": 7.5});
        for (wal, io) in [(before, Value::Null), (since_18, io)] {
            let usage = usage(1.0, &wal, &io);
            let told = (usage.wal, usage.pages, usage.syncs, usage.syncing);
            assert_eq!(told, (8192.0, 3.0, 5.0, 7.5), "{wal}");
        }
    }

    #[test]
    fn a_server_tells_what_it_has_written() {
        let cluster = Cluster::start();
        let before = cluster.usage();
        cluster.ask("CREATE TABLE written (octets TEXT)");
        let after = cluster.usage();
        assert!(
            after.wal > before.wal && after.syncs > before.syncs,
            "{after:?}"
        );
    }
}
