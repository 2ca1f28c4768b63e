//! Kills a writing process repeatedly, and accounts for everything that it acknowledged.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
};

use koukan_core::storage::{Blobs, Queue, Records, record::TransactionId};
use koukan_storage::SqliteBackend;

mod support;

use support::transaction;

const DATABASE: &str = "KOUKAN_CRASH_TEST_DATABASE";
/// After how many acknowledgements the process is killed: after the first ones, and in the middle
/// of many.
const ROUNDS: [usize; 8] = [1, 2, 5, 40, 150, 300, 700, 1500];

#[test]
fn what_was_acknowledged_survives_kill() {
    if let Some(database) = env::var_os(DATABASE) {
        write_until_killed(Path::new(&database));
    }
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("queue.sqlite");
    let mut acknowledged = Vec::new();
    for until in ROUNDS {
        acknowledged.extend(run_and_kill(&database, until));
        verify(&database, &acknowledged);
    }
    assert!(acknowledged.len() >= ROUNDS.iter().sum());
}

/// Starts this test binary as a writing process, kills it after so many acknowledgements, and
/// returns all of them.
fn run_and_kill(database: &Path, until: usize) -> Vec<TransactionId> {
    let mut child = Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "what_was_acknowledged_survives_kill",
            "--nocapture",
        ])
        .env(DATABASE, database)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let mut acknowledged = Vec::new();
    let mut is_killed = false;
    for line in stdout.lines() {
        // The last line may be incomplete; then it is not an acknowledgement.
        let line = line.unwrap();
        let id = line.strip_prefix("id ").and_then(|id| id.strip_suffix('.'));
        acknowledged.extend(id.map(|id| id.parse::<TransactionId>().unwrap()));
        if acknowledged.len() >= until && !is_killed {
            child.kill().unwrap();
            is_killed = true;
        }
    }
    child.wait().unwrap();
    assert!(is_killed, "the process ended by itself");
    acknowledged
}

fn verify(database: &Path, acknowledged: &[TransactionId]) {
    block_on(async {
        let backend = SqliteBackend::open(database).await.unwrap();
        for id in acknowledged {
            let found = backend.find(*id).await.unwrap();
            let body = found.expect("an acknowledged one is lost").body.unwrap();
            let octets = backend.read_blob(body.blob, 0).await.unwrap();
            assert_eq!(octets.len(), 3000);
        }
        backend.close().await;
    });
}

fn write_until_killed(database: &Path) -> ! {
    block_on(async {
        let backend = SqliteBackend::open(database).await.unwrap();
        let tasks = (0..20).map(|_| {
            let backend = backend.clone();
            tokio::spawn(async move {
                loop {
                    let new = transaction(3000);
                    let id = new.id;
                    backend.insert(new).await.unwrap();
                    // Written at once, so that lines of several tasks do not mix.
                    let line = format!("id {id}.\n");
                    std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            let () = task.await.unwrap();
        }
    });
    unreachable!("the tasks go on for ever");
}

fn block_on(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(future);
}
