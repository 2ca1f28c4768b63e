//! Bodies of transactions, written in the same commit and shared.

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    blob::BlobId,
    storage::{
        Backend, BackendError,
        record::{BlobContent, NewBody, NewTransaction},
    },
};

use super::{
    BackendFixture,
    sample::{inline, plain, read, stored, time},
};

/// A blob that comes with several transactions, or was stored before, is one blob.
pub async fn shares_a_blob_among_transactions(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let blob = BlobId::random();
    let pieces = vec![
        Bytes::from_static(b"one "),
        Bytes::new(),
        Bytes::from_static(b"blob"),
    ];
    let body = NewBody {
        prefix: Bytes::from_static(b"A: b\r\n"),
        ..NewBody::message(blob, 8, BlobContent::Inline(pieces))
    };
    for body in [body.clone(), body.clone(), stored(blob, 8)] {
        let new = with(body);
        backend.insert(new.clone()).await.unwrap();
        let found = backend.find(new.id).await.unwrap().unwrap().body.unwrap();
        assert_eq!((found.blob, found.len), (blob, 8));
        assert_eq!(found.prefix, new.body.unwrap().prefix);
    }
    assert_eq!(read(&*backend, blob, 8).await, b"one blob");
}

/// Concurrent inserts that bring the same blob all succeed.
pub async fn shares_a_blob_inserted_at_once(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let body = inline(b"shared by the legs of one message");
    let legs: Vec<_> = (0..20).map(|_| with(body.clone())).collect();
    let inserts = legs.iter().cloned().map(|leg| {
        let backend = Arc::clone(&backend);
        tokio::spawn(async move { backend.insert(leg).await })
    });
    for insert in inserts.collect::<Vec<_>>() {
        insert.await.unwrap().unwrap();
    }
    for leg in legs {
        let found = backend.find(leg.id).await.unwrap().unwrap();
        assert_eq!(found.body.unwrap().blob, body.blob);
    }
    let octets = read(&*backend, body.blob, body.len).await;
    assert_eq!(octets, b"shared by the legs of one message");
}

/// A body that is said to be stored must exist, be finished, and have that length. Otherwise
/// nothing is written.
pub async fn checks_a_stored_body(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let blob = BlobId::random();
    assert_refused(&*backend, with(stored(blob, 3))).await;
    let octets = Bytes::from_static(b"abc");
    backend.append_blob(blob, 0, octets, time(0)).await.unwrap();
    assert_refused(&*backend, with(stored(blob, 3))).await;
    let unfinished = NewBody {
        blob,
        ..inline(b"abc")
    };
    assert_refused(&*backend, with(unfinished)).await;
    backend.finish_blob(blob, 3).await.unwrap();
    assert_refused(&*backend, with(stored(blob, 4))).await;
    backend.insert(with(stored(blob, 3))).await.unwrap();
    assert_eq!(read(&*backend, blob, 3).await, b"abc");
}

async fn assert_refused(backend: &dyn Backend, new: NewTransaction) {
    let id = new.id;
    let result = backend.insert(new).await;
    assert!(
        matches!(result, Err(BackendError::NoSuchBlob)),
        "{result:?}"
    );
    assert!(backend.find(id).await.unwrap().is_none());
}

fn with(body: NewBody) -> NewTransaction {
    NewTransaction {
        body: Some(body),
        ..plain()
    }
}
