//! A pooler between agents and their server: PgBouncer, with what Debian has set.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

#[path = "support/locking.rs"]
mod locking;
#[path = "support/postgres.rs"]
mod postgres;
mod support;

use std::{
    fs,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    time::Duration,
};

use jiff::Timestamp;
use koukan_core::storage::{
    Queue, Records, Sessions,
    record::{SessionId, Suspension, SuspensionChange},
};
use koukan_storage::{PostgresBackend, PostgresOptions};

use self::{
    locking::Locking,
    postgres::{Durability, Server, demoted, own_directory},
    support::transaction,
};

/// Runs it until the standard input is closed.
const WATCH: &str = r#"
PATH=$PATH:/usr/sbin pgbouncer -q "$1/pgbouncer.ini" >"$1/log" 2>&1 &
read -r _
kill "$!"
wait
rm -rf "$1"
"#;

const PORT: u16 = 6432;

/// A pooler of sessions.
struct Pooler {
    directory: PathBuf,
    shell: Child,
    stdin: Option<ChildStdin>,
}

impl Pooler {
    fn start(server: &Server) -> Self {
        let directory = own_directory();
        let (place, socket) = (directory.display(), server.socket());
        let host = socket.parent().unwrap().display();
        let settings = format!(
            "[databases]\n* = host={host} port=5432 user=koukan\n\
             [pgbouncer]\nlisten_addr =\nlisten_port = {PORT}\nunix_socket_dir = {place}\n\
             auth_type = any\npool_mode = session\ndefault_pool_size = 50\n"
        );
        let file = directory.join("pgbouncer.ini");
        fs::write(&file, settings).unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-c", WATCH, "watch"]).arg(&directory);
        shell.stdin(Stdio::piped());
        let mut shell = demoted(&mut shell, &directory).spawn().unwrap();
        let stdin = shell.stdin.take();
        let pooler = Self {
            directory,
            shell,
            stdin,
        };
        let socket = pooler.directory.join(format!(".s.PGSQL.{PORT}"));
        for _ in 0..3000 {
            if UnixStream::connect(&socket).is_ok() {
                return pooler;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let said = fs::read_to_string(pooler.directory.join("log"));
        panic!("PgBouncer does not listen: {}", said.unwrap_or_default());
    }

    /// The URL of a database of its server.
    fn url(&self, database: &str) -> String {
        let place = self.directory.display().to_string().replace('/', "%2F");
        format!("postgres://koukan@{place}:{PORT}/{database}")
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.shell.wait();
    }
}

fn options(pooler: &Pooler, direct: &str) -> PostgresOptions {
    let name = Path::new(direct).file_name().unwrap().to_str().unwrap();
    let options = PostgresOptions::new(&pooler.url(name)).unwrap();
    options.with_connections(4)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_work_through_a_pooler_of_sessions() {
    let server = Server::start(Durability::None);
    let pooler = Pooler::start(&server);
    let direct = server.database();
    options(&pooler, &direct).migrate().await.unwrap();
    options(&pooler, &direct).check().await.unwrap();
    let one = PostgresBackend::open(options(&pooler, &direct))
        .await
        .unwrap();
    let other = PostgresBackend::open(options(&pooler, &direct))
        .await
        .unwrap();
    let first = transaction(10);
    one.insert(first.clone()).await.unwrap();
    assert!(other.find(first.id).await.unwrap().is_some());
    let session = SessionId::random();
    other.open_session(session, support::now()).await.unwrap();
    // They hear of each other.
    let before = other.bans_changed(None).await.unwrap().number;
    let change = SuspensionChange::Suspend(Suspension {
        host: "mx.example".into(),
        since: Timestamp::UNIX_EPOCH,
        by: "olga".into(),
    });
    one.change_suspension(change).await.unwrap();
    let changed = other.bans_changed(Some(before)).await.unwrap();
    assert_eq!(changed.changes.unwrap().len(), 1);
    one.close().await;
    other.close().await;
}

/// What is set on connections holds there: nobody waits for a lock without end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_limits_of_time_hold_through_a_pooler() {
    let server = Server::start(Durability::None);
    let pooler = Pooler::start(&server);
    let direct = server.database();
    let hasty = options(&pooler, &direct)
        .with_lock_timeout(Duration::from_millis(100))
        .with_patience(Duration::from_millis(500));
    let backend = PostgresBackend::open(hasty).await.unwrap();
    let locking = Locking::of(&direct, "transactions").await;
    let refused = tokio::spawn({
        let backend = backend.clone();
        async move { backend.insert(transaction(10)).await }
    });
    locking.until_waited_for().await;
    let refused = refused.await.unwrap().unwrap_err();
    let told = format!("{refused:?}");
    assert!(told.contains("lock timeout"), "{told}");
    locking.end().await;
    backend.insert(transaction(10)).await.unwrap();
    backend.close().await;
}
