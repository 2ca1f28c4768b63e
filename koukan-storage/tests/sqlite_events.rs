//! Events, in a database of the last version without them.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use koukan_core::storage::{EventQuery, Queue, Records, record::EventKind};
use koukan_storage::{SqliteBackend, SqliteOptions};

mod support;

use support::{transaction, versions::of_version};

#[tokio::test]
async fn events_begin_when_they_are_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    of_version(&path, 8).await;
    for (keeps_events, expected) in [(false, 0), (true, 1), (false, 1), (true, 2)] {
        let options = SqliteOptions::new(&path).with_events(keeps_events);
        let backend = SqliteBackend::open(options).await.unwrap();
        assert_eq!(backend.keeps_events(), keeps_events);
        backend.insert(transaction(9)).await.unwrap();
        let query = EventQuery {
            limit: 9,
            ..EventQuery::default()
        };
        let page = backend.events(query).await.unwrap();
        assert_eq!((page.events.len(), page.last), (expected, expected as u64));
        assert!(
            page.events
                .iter()
                .all(|kept| kept.event.kind == EventKind::Queued)
        );
        backend.close().await;
    }
}
