//! Removing data that is no longer of use.

use std::time::Duration;

use bytes::Bytes;

use crate::{
    blob::BlobId,
    storage::{
        Backend, BackendError, EventRetention, Removed, Retention,
        record::{NewTransaction, Settlement},
    },
};

use super::{
    BackendFixture,
    sample::{delivered, lease_one, plain, read, rich, settlement, time},
};

const RETENTION: Retention = Retention {
    finished: Duration::from_secs(1000),
    orphaned: Duration::from_secs(100),
    events: EventRetention {
        age: Duration::from_secs(1_000_000),
        count: 1_000_000,
    },
};

/// Collects all garbage at `time(seconds)`.
pub(super) async fn collect(backend: &dyn Backend, seconds: i64) -> Removed {
    let mut sum = Removed::default();
    loop {
        let collected = backend.collect_garbage(time(seconds), RETENTION).await;
        let collected = collected.unwrap();
        if collected == Removed::default() {
            return sum;
        }
        sum.transactions += collected.transactions;
        sum.blobs += collected.blobs;
        sum.suppressions += collected.suppressions;
    }
}

pub(super) fn collected(transactions: u64, blobs: u64) -> Removed {
    Removed {
        transactions,
        blobs,
        ..Removed::default()
    }
}

/// Transactions are removed when they have been final for long enough, others never.
pub async fn collects_what_has_been_final_long_enough(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let settled = plain();
    backend.insert(settled.clone()).await.unwrap();
    let (session, leased) = lease_one(&*backend, 0).await;
    let end = settlement(&leased, session, 500, delivered());
    backend.settle(end).await.unwrap();
    let undated = plain();
    backend.insert(undated.clone()).await.unwrap();
    let (session, leased) = lease_one(&*backend, 0).await;
    let end = Settlement {
        attempt: None,
        ..settlement(&leased, session, 0, delivered())
    };
    backend.settle(end).await.unwrap();
    let summary = NewTransaction {
        body: None,
        status: delivered(),
        ..plain()
    };
    backend.insert(summary.clone()).await.unwrap();
    let waiting = plain();
    backend.insert(waiting.clone()).await.unwrap();

    assert_eq!(collect(&*backend, 50).await, collected(0, 0));
    assert_eq!(collect(&*backend, 1001).await.transactions, 1);
    assert!(backend.find(summary.id).await.unwrap().is_none());
    assert_eq!(collect(&*backend, 1499).await.transactions, 1);
    assert!(backend.find(undated.id).await.unwrap().is_none());
    assert!(backend.find(settled.id).await.unwrap().is_some());
    assert_eq!(collect(&*backend, 1501).await.transactions, 1);
    assert!(backend.find(settled.id).await.unwrap().is_none());
    assert_eq!(collect(&*backend, 1_000_000).await, collected(0, 0));
    let found = backend.find(waiting.id).await.unwrap().unwrap();
    assert!(found.body.is_some());
}

/// Blobs that no transaction refers to are removed when they are old enough, finished or not.
pub async fn collects_blobs_that_nothing_refers_to(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let (finished, abandoned) = (BlobId::random(), BlobId::random());
    for (blob, seconds) in [(finished, 0), (abandoned, 50)] {
        let octets = Bytes::from_static(b"abc");
        backend
            .append_blob(blob, 0, octets, time(seconds))
            .await
            .unwrap();
    }
    backend.finish_blob(finished, 3).await.unwrap();
    assert_eq!(collect(&*backend, 99).await, collected(0, 0));
    assert_eq!(collect(&*backend, 101).await, collected(0, 1));
    let gone = backend.read_blob(finished, 0).await;
    assert!(matches!(gone, Err(BackendError::NoSuchBlob)), "{gone:?}");
    backend.finish_blob(abandoned, 3).await.unwrap();
    assert_eq!(collect(&*backend, 151).await, collected(0, 1));
    let octets = Bytes::from_static(b"abc");
    backend
        .append_blob(finished, 0, octets, time(160))
        .await
        .unwrap();
}

/// A shared blob stays while one transaction that refers to it is not final; final ones then have
/// no body.
pub async fn keeps_a_blob_while_one_refers_to_it(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let first = plain();
    let body = first.body.clone().unwrap();
    let second = NewTransaction {
        body: Some(body.clone()),
        ..plain()
    };
    let ids = [first.id, second.id];
    for (round, new) in [first, second.clone()].into_iter().enumerate() {
        backend.insert(new).await.unwrap();
        let (session, leased) = lease_one(&*backend, 0).await;
        if round == 0 {
            let end = settlement(&leased, session, 0, delivered());
            backend.settle(end).await.unwrap();
        } else {
            let fence = leased.fence;
            backend.release(second.id, session, fence).await.unwrap();
        }
    }
    assert_eq!(collect(&*backend, 200).await, collected(0, 0));
    read(&*backend, body.blob, body.len).await;

    let (session, leased) = lease_one(&*backend, 0).await;
    let end = settlement(&leased, session, 0, delivered());
    backend.settle(end).await.unwrap();
    read(&*backend, body.blob, body.len).await;
    assert_eq!(collect(&*backend, 200).await, collected(0, 1));
    for id in ids {
        let found = backend.find(id).await.unwrap().unwrap();
        assert_eq!(found.body, None);
    }
    let gone = backend.read_blob(body.blob, 0).await;
    assert!(matches!(gone, Err(BackendError::NoSuchBlob)), "{gone:?}");
}

/// A large amount of garbage is removed in portions, and all of it in the end.
pub async fn collects_in_bounded_portions(fixture: &dyn BackendFixture) {
    const MANY: u64 = 1500;
    let backend = fixture.open().await;
    let inserts = (0..MANY).map(|_| {
        let finished = NewTransaction {
            status: delivered(),
            attempts: Vec::new(),
            ..rich()
        };
        backend.insert(finished)
    });
    for insert in futures_util::future::join_all(inserts).await {
        insert.unwrap();
    }
    let first = backend.collect_garbage(time(2000), RETENTION).await;
    let first = first.unwrap();
    assert!((1..MANY).contains(&first.transactions), "{first:?}");
    assert!((1..MANY).contains(&first.blobs), "{first:?}");
    let rest = collect(&*backend, 2000).await;
    assert_eq!(first.transactions + rest.transactions, MANY);
    assert_eq!(first.blobs + rest.blobs, MANY);
    assert_eq!(backend.census().await.unwrap().finished, 0);
}
