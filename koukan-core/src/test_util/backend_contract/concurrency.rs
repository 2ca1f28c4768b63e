//! Many callers at the same time.

use std::{collections::HashSet, sync::Arc};

use bytes::Bytes;

use crate::{
    blob::BlobId,
    storage::{
        BackendError,
        record::{NewTransaction, SessionId, Standing},
    },
};

use super::{
    BackendFixture,
    sample::{due, plain, read, time},
};

/// Many concurrent inserts are all there, also after a restart.
pub async fn keeps_all_of_many_concurrent_inserts(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let inserts = (0..200).map(|_| {
        let backend = Arc::clone(&backend);
        tokio::spawn(async move {
            let new = plain();
            backend.insert(new.clone()).await.unwrap();
            new
        })
    });
    let mut inserted = Vec::new();
    for insert in inserts.collect::<Vec<_>>() {
        inserted.push(insert.await.unwrap());
    }
    drop(backend);
    let backend = fixture.open().await;
    assert_eq!(backend.census().await.unwrap().waiting, 200);
    for new in inserted {
        let found = backend.find(new.id).await.unwrap().unwrap();
        let body = found.body.unwrap();
        let octets = read(&*backend, body.blob, body.len).await;
        assert_eq!(octets, b"Subject: hi\r\n\r\nhello\r\n");
    }
}

/// Concurrent claimers share out what is due without overlap.
pub async fn never_leases_one_transaction_twice(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let inserts = (0..100).map(|seconds| {
        let new = NewTransaction {
            status: due(seconds),
            ..plain()
        };
        backend.insert(new)
    });
    for insert in futures_util::future::join_all(inserts).await {
        insert.unwrap();
    }
    let claimers = (0..8).map(|_| {
        let backend = Arc::clone(&backend);
        tokio::spawn(async move {
            let session = SessionId::random();
            backend.open_session(session, time(0)).await.unwrap();
            let mut claimed = Vec::new();
            loop {
                let leased = backend
                    .lease_due(session, time(200), Standing::Clear, 7, &[])
                    .await
                    .unwrap();
                if leased.is_empty() {
                    return claimed;
                }
                assert!(leased.len() <= 7);
                claimed.extend(leased.into_iter().map(|leased| leased.transaction.id));
            }
        })
    });
    let mut ids = HashSet::new();
    for claimer in claimers.collect::<Vec<_>>() {
        for id in claimer.await.unwrap() {
            assert!(ids.insert(id), "{id} was leased twice");
        }
    }
    assert_eq!(ids.len(), 100);
}

/// Of several appends at one offset, one succeeds.
pub async fn appends_at_one_offset_only_once(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let blob = BlobId::random();
    for offset in 0..5 {
        let appends = (0..8).map(|_| {
            let backend = Arc::clone(&backend);
            let octets = Bytes::from_static(b"x");
            tokio::spawn(async move { backend.append_blob(blob, offset, octets, time(0)).await })
        });
        let mut succeeded = 0;
        for append in appends.collect::<Vec<_>>() {
            match append.await.unwrap() {
                Ok(()) => succeeded += 1,
                Err(error) => assert!(matches!(error, BackendError::BlobConflict), "{error:?}"),
            }
        }
        assert_eq!(succeeded, 1);
    }
    backend.finish_blob(blob, 5).await.unwrap();
    assert_eq!(read(&*backend, blob, 5).await, b"xxxxx");
}
