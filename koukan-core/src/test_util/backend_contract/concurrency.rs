//! Many callers at the same time.

use std::{collections::HashSet, sync::Arc};

use bytes::Bytes;
use futures_util::future::join_all;

use crate::{
    blob::BlobId,
    reply::Reply,
    storage::{
        BackendError,
        record::{IdempotencyKey, NewTransaction, SessionId, Standing},
    },
};

use super::{
    BackendFixture,
    sample::{attempt, delivered, due, plain, read, settlement, stored, time},
};

/// After many concurrent inserts all are there, also after a restart.
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

/// A transaction that cannot be written does not prevent others from being written with it. Neither do texts that
/// some databases cannot store.
pub async fn writes_what_can_be_written(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let old = plain();
    backend.insert(old.clone()).await.unwrap();
    let tried = || NewTransaction {
        attempts: vec![attempt(-1)],
        ..plain()
    };
    let missing = || Some(stored(BlobId::random(), 5));
    let all = [
        tried(),
        NewTransaction {
            body: missing(),
            ..tried()
        },
        NewTransaction {
            idempotency_key: Some(IdempotencyKey::from("nul \0")),
            ..tried()
        },
        NewTransaction {
            id: old.id,
            ..tried()
        },
        tried(),
    ];
    let results = join_all(all.iter().map(|new| backend.insert(new.clone()))).await;
    let is_done: Vec<_> = results.iter().map(Result::is_ok).collect();
    assert_eq!(is_done, [true, false, true, false, true], "{results:?}");
    assert!(matches!(results[1], Err(BackendError::NoSuchBlob)));
    for new in [&all[0], &all[2], &all[4]] {
        assert_eq!(backend.attempts(new.id).await.unwrap(), new.attempts);
    }
    assert_eq!(backend.attempts(old.id).await.unwrap(), []);

    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    let leased = backend.lease_due(session, time(0), Standing::Clear, 9, &[]);
    let leased = leased.await.unwrap();
    let ends = leased.iter();
    let ends = ends.map(|leased| settlement(leased, session, 5, delivered()));
    let mut ends: Vec<_> = ends.collect();
    let nul = Reply::no_such_user().with_text("nul \0");
    ends[0].recipients[0].settled = Some(nul.clone());
    ends[0].attempt.as_mut().unwrap().final_reply = nul;
    ends[1].notification = Some(Box::new(NewTransaction {
        body: missing(),
        ..plain()
    }));
    ends[2].fence += 1;
    let results = join_all(ends.iter().map(|end| backend.settle(end.clone()))).await;
    let is_done: Vec<_> = results.iter().map(Result::is_ok).collect();
    assert_eq!(is_done, [true, false, false, true], "{results:?}");
    for (end, is_done) in ends.iter().zip(is_done) {
        let found = backend.find(end.id).await.unwrap().unwrap();
        assert_eq!(found.status == delivered(), is_done);
        let last = backend.attempts(end.id).await.unwrap().pop();
        assert_eq!(last == end.attempt, is_done, "{last:?}");
    }
}

/// Concurrent claimers share the due transactions without overlap.
pub async fn never_leases_one_transaction_twice(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let inserts = (0..100).map(|seconds| {
        let new = NewTransaction {
            status: due(seconds),
            ..plain()
        };
        backend.insert(new)
    });
    for insert in join_all(inserts).await {
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
