//! The reserve, which lets queued mail be delivered.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use koukan_core::{
    blob::BlobId,
    reply::Speaker,
    storage::{
        BackendError, Blobs, Queue, Records, Retention, Sessions,
        record::{
            Attempt, Commit, Conversation, FinalReason, Leased, SessionId, Settlement, Spoken,
            Standing, Status,
        },
    },
};
use koukan_storage::{FileSystem, FreeSpace, SqliteBackend, SqliteOptions};

mod support;

use support::{now, transaction};

const RESERVE: u64 = 1 << 20;

/// Longer than a measurement of the space is valid.
const A_WHILE: Duration = Duration::from_millis(5500);

/// A file system with a scripted amount of space.
#[derive(Debug, Clone, Default)]
struct Scripted(Arc<AtomicU64>);

impl FreeSpace for Scripted {
    fn free(&self, _: &Path) -> io::Result<u64> {
        match self.0.load(Ordering::Relaxed) {
            u64::MAX => Err(io::ErrorKind::PermissionDenied.into()),
            free => Ok(free),
        }
    }
}

fn is_full<T>(result: Result<T, BackendError>) -> bool {
    matches!(result, Err(BackendError::Full(_)))
}

fn end(leased: Leased, status: Status, session: SessionId) -> Settlement {
    Settlement {
        id: leased.transaction.id,
        session,
        fence: leased.fence,
        attempt: None,
        recipients: leased.transaction.recipients,
        status,
        notification: None,
        kept: Vec::new(),
        events: Vec::new(),
        together: Vec::new(),
    }
}

/// Leases everything that is queued, releases it, leases it again and settles it.
async fn drain(backend: &SqliteBackend, session: SessionId) -> Result<usize, BackendError> {
    let mut count = 0;
    loop {
        let lease = || backend.lease_due(session, now(), Standing::Clear, 10, &[]);
        for leased in lease().await? {
            backend
                .release(leased.transaction.id, session, leased.fence)
                .await?;
        }
        let leased = lease().await?;
        if leased.is_empty() {
            return Ok(count);
        }
        for leased in leased {
            count += 1;
            let mut settlement = end(leased, Status::Final(FinalReason::Failed), session);
            if count % 10 == 0 {
                let mut notification = transaction(1000);
                notification.status = Status::Final(FinalReason::Delivered);
                settlement.notification = Some(Box::new(notification));
            }
            backend.settle(settlement).await?;
        }
    }
}

/// A database that was filled up to the reserve, and how much it holds.
async fn filled(options: SqliteOptions) -> (SqliteBackend, SessionId, usize) {
    let backend = SqliteBackend::open(options).await.unwrap();
    let session = SessionId::random();
    backend.open_session(session, now()).await.unwrap();
    for count in 0.. {
        match backend.insert(transaction(20_000)).await {
            Ok(()) => {}
            Err(BackendError::Full(_)) => return (backend, session, count),
            Err(error) => panic!("{error:?}"),
        }
    }
    unreachable!()
}

#[tokio::test]
async fn what_was_queued_before_is_delivered_while_new_mail_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    let options = SqliteOptions::new(&path)
        .with_max_size(8 << 20)
        .with_reserve(RESERVE);
    let (backend, session, count) = filled(options).await;
    assert!(count > 200, "{count}");
    assert!(!backend.has_room());
    let blob = BlobId::random();
    let octets = Bytes::from_static(b"octets");
    assert!(is_full(backend.append_blob(blob, 0, octets, now()).await));
    let together = vec![
        Commit::Insert(transaction(10)),
        Commit::Insert(transaction(10)),
    ];
    assert!(is_full(backend.commit(together).await));

    assert_eq!(drain(&backend, session).await.unwrap(), count);
    let retention = Retention::default()
        .with_finished(Duration::ZERO)
        .with_orphaned(Duration::ZERO);
    let later = now() + Duration::from_secs(1);
    while backend
        .collect_garbage(later, retention)
        .await
        .unwrap()
        .transactions
        > 0
    {}
    // The next measurement finds the freed space.
    tokio::time::sleep(A_WHILE).await;
    assert!(backend.has_room());
    backend.insert(transaction(20_000)).await.unwrap();
}

/// Without a reserve the same database cannot be emptied; so the other tests prove something.
#[tokio::test]
async fn without_a_reserve_a_full_database_may_not_drain() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    let options = SqliteOptions::new(&path).with_max_size(1 << 20);
    let (backend, _, _) = filled(options).await;
    assert!(backend.has_room());
    while backend.insert(transaction(1)).await.is_ok() {}
    // A notification as it is written. There is certainly no space for it, even in pages that are
    // partly used.
    let mut long = transaction(20_000);
    long.status = Status::Final(FinalReason::Delivered);
    assert!(is_full(backend.insert(long).await));
}

#[tokio::test]
async fn the_file_system_decides_where_the_database_has_no_limit() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    let scripted = Scripted::default();
    let options = || {
        SqliteOptions::new(&path)
            .with_reserve(RESERVE)
            .with_free_space(Arc::new(scripted.clone()))
    };
    // Nearly full from the start.
    scripted.0.store(RESERVE / 4, Ordering::Relaxed);
    let backend = SqliteBackend::open(options()).await.unwrap();
    assert!(!backend.has_room());
    assert!(is_full(backend.insert(transaction(10)).await));
    for (free, has_room) in [
        (RESERVE * 2, true),
        (RESERVE / 4, false),
        // Unknown space is no reason to refuse mail.
        (u64::MAX, true),
    ] {
        scripted.0.store(free, Ordering::Relaxed);
        tokio::time::sleep(A_WHILE).await;
        assert_eq!(backend.has_room(), has_room, "{free}");
        assert_eq!(backend.insert(transaction(10)).await.is_ok(), has_room);
    }
    backend.close().await;
}

/// A first attempt at a transaction, which was put off.
fn put_off(leased: &Leased) -> Attempt {
    let said = Spoken {
        at: now(),
        by: Speaker::Server,
        text: "451 later".into(),
    };
    let conversation = Conversation {
        said: vec![said],
        left_out: 0,
    };
    let replies = vec![None; leased.transaction.recipients.len()];
    Attempt {
        conversation: Some(Arc::new(conversation)),
        ..Attempt::broken_off(now(), None, replies)
    }
}

#[tokio::test]
async fn conversations_are_recorded_only_while_there_is_room() {
    for has_room in [true, false] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("queue.sqlite");
        let scripted = Scripted::default();
        scripted.0.store(RESERVE * 2, Ordering::Relaxed);
        let options = || {
            SqliteOptions::new(&path)
                .with_reserve(RESERVE)
                .with_free_space(Arc::new(scripted.clone()))
        };
        let backend = SqliteBackend::open(options()).await.unwrap();
        let new = transaction(100);
        backend.insert(new.clone()).await.unwrap();
        backend.close().await;
        if !has_room {
            scripted.0.store(RESERVE / 4, Ordering::Relaxed);
        }
        let backend = SqliteBackend::open(options()).await.unwrap();
        assert_eq!(backend.has_room(), has_room);
        let session = SessionId::random();
        backend.open_session(session, now()).await.unwrap();
        let leased = backend.lease(new.id, session, None).await.unwrap().unwrap();
        let attempt = put_off(&leased);
        let mut settlement = end(leased, transaction(0).status, session);
        settlement.attempt = Some(attempt);
        backend.settle(settlement).await.unwrap();
        let attempts = backend.attempts(new.id).await.unwrap();
        assert_eq!(attempts.len(), 1);
        assert_eq!(attempts[0].conversation.is_some(), has_room);
    }
}

#[tokio::test]
async fn much_that_is_written_is_noticed_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    let scripted = Scripted::default();
    scripted.0.store(RESERVE * 2, Ordering::Relaxed);
    let options = SqliteOptions::new(&path)
        .with_reserve(RESERVE)
        .with_free_space(Arc::new(scripted.clone()));
    let backend = SqliteBackend::open(options).await.unwrap();
    scripted.0.store(0, Ordering::Relaxed);
    let mut taken = 0;
    while backend.insert(transaction(20_000)).await.is_ok() {
        taken += 1;
    }
    assert!(taken < 20, "{taken}");
}

#[test]
fn a_file_system_tells_how_much_is_free() {
    let directory = tempfile::tempdir().unwrap();
    let free = FileSystem.free(directory.path()).unwrap();
    assert!(free > 0);
    FileSystem
        .free(&directory.path().join("missing"))
        .unwrap_err();
}
