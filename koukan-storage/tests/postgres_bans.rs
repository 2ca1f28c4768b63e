//! What one process suspends and suppresses, and another learns of.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

#[path = "support/listening.rs"]
mod listening;
#[path = "support/postgres.rs"]
mod postgres;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures_util::future::join_all;
use jiff::Timestamp;
use koukan_core::{
    blob::BlobPool,
    clock::SystemClock,
    storage::{
        BackendError, Queue, Sessions, Storage, SuppressionLists, Suspended,
        record::{BanChange, Suppression, SuppressionChange, Suspension, SuspensionChange},
    },
};
use koukan_storage::{PostgresBackend, PostgresOptions};
use tokio::task::JoinHandle;

use self::{
    listening::{await_listeners, hear, hear_until},
    postgres::{database, execute},
};

fn options(url: &str) -> PostgresOptions {
    PostgresOptions::new(url).unwrap().with_connections(4)
}

async fn open(url: &str) -> PostgresBackend {
    PostgresBackend::open(options(url)).await.unwrap()
}

async fn storage(backend: &PostgresBackend) -> Storage {
    let backend = Arc::new(backend.clone());
    let clock = Arc::new(SystemClock);
    let storage = Storage::open(backend, BlobPool::default(), clock).await;
    storage.unwrap()
}

fn suspend(host: &str) -> SuspensionChange {
    SuspensionChange::Suspend(Suspension {
        host: host.into(),
        since: Timestamp::UNIX_EPOCH,
        by: "olga".into(),
    })
}

fn suppression(address: &str) -> SuppressionChange {
    SuppressionChange::Keep(Suppression {
        sender: "out".into(),
        address: address.into(),
        since: Timestamp::UNIX_EPOCH,
        until: Timestamp::from_second(9).unwrap(),
        reason: "550 no".into(),
    })
}

/// The names of what has changed since that number; and the number of the last change.
async fn changed(backend: &PostgresBackend, since: u64) -> (Vec<(bool, Box<str>)>, u64) {
    let changed = backend.bans_changed(Some(since)).await.unwrap();
    let changes = changed.changes.unwrap().into_iter();
    let changes = changes.map(|change| match change {
        BanChange::Suspension(SuspensionChange::Suspend(one)) => (true, one.host),
        BanChange::Suspension(SuspensionChange::Resume(host)) => (false, host),
        BanChange::Suppression(SuppressionChange::Keep(one)) => (true, one.address),
        BanChange::Suppression(SuppressionChange::Remove { address, .. }) => (false, address),
    });
    (changes.collect(), changed.number)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_by_another_process_are_heard_of() {
    let url = database();
    let (one, other) = (open(&url).await, open(&url).await);
    let mut own = one.bans_notified().unwrap();
    let mut others = other.bans_notified().unwrap();
    await_listeners(&url, 2).await;
    // One may be the notification at the start of listening.
    for number in 0..4 {
        others.mark_unchanged();
        let host = format!("h{number}.example");
        one.change_suspension(suspend(&host)).await.unwrap();
        hear(&mut others).await;
    }
    other.change_suppression(suppression("a@x")).await.unwrap();
    hear_until(&mut own, 2).await;
    one.close().await;
    other.close().await;
    await_listeners(&url, 0).await;
}

/// Two agents within moments, not only at the next refresh, which is far away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_takes_in_what_it_hears_of() {
    let url = database();
    let term = Duration::from_secs(3600);
    let open = || PostgresBackend::open(options(&url).with_session_term(term));
    let backends = [open().await.unwrap(), open().await.unwrap()];
    let [one, other] = [storage(&backends[0]).await, storage(&backends[1]).await];
    await_listeners(&url, 2).await;
    one.suspend("near.example", "olga").await.unwrap();
    await_true(|| other.is_suspended("near.example")).await;
    assert!(other.resume_destination("near.example").await.unwrap());
    await_true(|| !one.is_any_suspended()).await;
    drop((one, other));
    for backend in backends {
        backend.close().await;
    }
}

async fn await_true(holds: impl Fn() -> bool) {
    let holding = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), holding)
        .await
        .unwrap();
}

/// `koukan forget`, an earlier version, or somebody with a client of the database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_changes_the_tables_is_noticed() {
    let url = database();
    let backend = open(&url).await;
    let mut since = backend.bans_changed(None).await.unwrap().number;
    for (sql, expected) in [
        (
            "INSERT INTO suppressions VALUES ('out', 'a@x', 1, 2, 'no'), ('out', 'b@x', 1, 2, 'no')",
            vec![(true, "a@x"), (true, "b@x")],
        ),
        (
            "UPDATE suppressions SET until = 9 WHERE address = 'b@x'",
            vec![(true, "b@x")],
        ),
        (
            "DELETE FROM suppressions; INSERT INTO suspensions VALUES ('x', 1, 'olga')",
            vec![(false, "a@x"), (false, "b@x"), (true, "x")],
        ),
        ("DELETE FROM suspensions WHERE host = 'y'", vec![]),
        ("DELETE FROM suspensions", vec![(false, "x")]),
    ] {
        execute(&url, sql);
        let (mut changes, number) = changed(&backend, since).await;
        changes.sort_by(|(_, one), (_, other)| one.cmp(other));
        let expected = expected
            .into_iter()
            .map(|(is_on, name)| (is_on, name.into()));
        assert_eq!(changes, expected.collect::<Vec<_>>(), "{sql}");
        since = number;
    }
    // It does not tell what it removes.
    for table in ["suppressions", "suspensions"] {
        execute(&url, &format!("TRUNCATE {table}"));
        let changed = backend.bans_changed(Some(since)).await.unwrap();
        assert_eq!(changed.changes, None, "{table}");
        since = changed.number;
    }
    backend.close().await;
}

/// Also where more has changed than is kept, and where the database is an earlier copy.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_missed_too_much_reads_all_again() {
    let url = database();
    let backends = [open(&url).await, open(&url).await];
    let one = storage(&backends[0]).await;
    for (host, leap) in [("near.example", 20_000), ("far.example", -19_000)] {
        let storage = storage(&backends[1]).await;
        one.suspend(host, "olga").await.unwrap();
        let number = backends[0].bans_changed(None).await.unwrap().number;
        let sql = format!("UPDATE ban_numbers SET last = last + {leap}");
        execute(&url, &sql);
        let changed = backends[0].bans_changed(Some(number)).await.unwrap();
        assert_eq!(changed.changes, None);
        let again = storage.suspend(host, "eve").await.unwrap();
        assert_eq!(again, Suspended::Before);
    }
    drop(one);
    for backend in backends {
        backend.close().await;
    }
}

/// The log of changes does not grow with their number.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_latest_changes_are_kept() {
    let url = database();
    let backend = open(&url).await;
    let many = "INSERT INTO suppressions SELECT 'out', n || '@x', 1, 2, 'no' \
        FROM generate_series(1, 12000) AS n";
    execute(&url, many);
    let (changes, number) = changed(&backend, 2000).await;
    assert_eq!((changes.len(), number), (10_000, 12_000));
    let kept = execute(&url, "SELECT count(*) FROM ban_changes");
    assert_eq!(kept.trim(), "10000");
    let missed = backend.bans_changed(Some(1999)).await.unwrap();
    assert_eq!((missed.number, missed.changes), (12_000, None));
    backend.close().await;
}

/// Whoever asks while others commit misses nothing: numbers are in the order of commits.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_asks_while_others_write_misses_nothing() {
    const EACH: usize = 300;
    let url = database();
    let backends = [open(&url).await, open(&url).await, open(&url).await];
    let mut since = backends[2].bans_changed(None).await.unwrap().number;
    let writing = backends[..2].iter().enumerate().map(|(writer, backend)| {
        let backend = backend.clone();
        tokio::spawn(async move {
            let changes = (0..EACH).map(|number| {
                let address = format!("{writer}-{number}@x");
                backend.change_suppression(suppression(&address))
            });
            join_all(changes)
                .await
                .into_iter()
                .collect::<Result<(), BackendError>>()
        })
    });
    let writing: Vec<_> = writing.collect();
    let mut told = BTreeSet::new();
    loop {
        let is_over = writing.iter().all(JoinHandle::is_finished);
        let (changes, number) = changed(&backends[2], since).await;
        told.extend(changes);
        since = number;
        if is_over {
            break;
        }
    }
    for written in join_all(writing).await {
        written.unwrap().unwrap();
    }
    assert_eq!(told.len(), 2 * EACH);
    for backend in backends {
        backend.close().await;
    }
}
