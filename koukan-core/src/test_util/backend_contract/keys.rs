//! Idempotency keys.

use std::{sync::Arc, time::Duration};

use crate::{
    blob::BlobId,
    context::{Context, Sender},
    storage::{
        BackendError, Retention,
        record::{
            Due, FinalReason, IdempotencyKey, NewTransaction, RequestDigest, Status, TransactionId,
            Work,
        },
    },
};

use super::{
    BackendFixture,
    sample::{delivered, lease_one, plain, settlement, stored, time},
};

fn keyed(sender: Sender, key: &str) -> NewTransaction {
    NewTransaction {
        context: Arc::new(Context::new(sender)),
        idempotency_key: Some(IdempotencyKey::from(key)),
        ..plain()
    }
}

fn assert_repeated(result: Result<(), BackendError>, first: TransactionId) {
    assert!(
        matches!(result, Err(BackendError::Repeated(id)) if id == first),
        "{result:?}"
    );
}

/// A key of the same sender's name finds the first transaction, also after a restart, and nothing
/// is written. The key is free again when that transaction is removed.
pub async fn refuses_a_repeated_key(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let first = NewTransaction {
        status: delivered(),
        ..keyed(Sender::new("a"), "key 'ü'")
    };
    backend.insert(first.clone()).await.unwrap();
    let same_name = keyed(Sender::new("a").with_tag("tag"), "key 'ü'");
    let impossible = NewTransaction {
        body: Some(stored(BlobId::random(), 1)),
        ..keyed(Sender::new("a"), "key 'ü'")
    };
    for again in [same_name.clone(), impossible, first.clone()] {
        let id = again.id;
        assert_repeated(backend.insert(again).await, first.id);
        let is_there = backend.find(id).await.unwrap().is_some();
        assert_eq!(is_there, id == first.id);
    }
    let body = same_name.body.as_ref().unwrap();
    let written = backend.read_blob(body.blob, 0).await;
    assert!(matches!(written, Err(BackendError::NoSuchBlob)));
    for other in [
        keyed(Sender::new("b"), "key 'ü'"),
        keyed(Sender::new("a"), "key 'Ü'"),
        keyed(Sender::new("a"), ""),
        plain(),
        plain(),
    ] {
        backend.insert(other).await.unwrap();
    }
    drop(backend);

    let backend = fixture.open().await;
    assert_repeated(backend.insert(same_name.clone()).await, first.id);
    let retention = Retention {
        finished: Duration::from_secs(10),
        orphaned: Duration::from_secs(10),
        ..Retention::default()
    };
    let collected = backend.collect_garbage(time(60), retention).await;
    assert_eq!(collected.unwrap().transactions, 1);
    backend.insert(same_name).await.unwrap();
}

/// A key with another request's digest is refused as such, also after a restart and once a draft is
/// completed. If one of the digests is not known, the request counts as a repetition.
pub async fn refuses_a_key_of_another_request(fixture: &dyn BackendFixture) {
    let of_request = |octet: Option<u8>| {
        let mut new = keyed(Sender::new("a"), "key");
        new.idempotency_key = Some(IdempotencyKey {
            key: "key".into(),
            request: octet.map(|octet| RequestDigest::new([octet; 32])),
        });
        new
    };
    let is_reused =
        |result: Result<(), BackendError>| matches!(result, Err(BackendError::KeyReused));
    let backend = fixture.open().await;
    let first = NewTransaction {
        body: None,
        status: Status::Due(Due {
            at: time(90),
            work: Work::Abandon,
        }),
        ..of_request(Some(1))
    };
    backend.insert(first.clone()).await.unwrap();
    let other = of_request(Some(2));
    assert!(is_reused(backend.insert(other.clone()).await));
    assert!(backend.find(other.id).await.unwrap().is_none());
    assert_repeated(backend.insert(of_request(Some(1))).await, first.id);
    assert_repeated(backend.insert(of_request(None)).await, first.id);
    let whole = NewTransaction {
        id: first.id,
        context: Arc::clone(&first.context),
        ..plain()
    };
    backend.complete(whole).await.unwrap();
    drop(backend);

    let backend = fixture.open().await;
    let inserts = [2, 1, 3].map(|octet| backend.insert(of_request(Some(octet))));
    let [second, again, third] = inserts;
    let (second, again, third) = tokio::join!(second, again, third);
    assert!(is_reused(second) && is_reused(third));
    assert_repeated(again, first.id);

    let unknown = NewTransaction {
        context: Arc::new(Context::new(Sender::new("b"))),
        ..of_request(None)
    };
    backend.insert(unknown.clone()).await.unwrap();
    let known = NewTransaction {
        context: Arc::new(Context::new(Sender::new("b"))),
        ..of_request(Some(1))
    };
    assert_repeated(backend.insert(known).await, unknown.id);
}

/// Of many concurrent inserts with one key, one succeeds, and the others find it. Other inserts are
/// not affected.
pub async fn inserts_one_of_many_with_one_key(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    for round in 0..5 {
        let key = format!("round {round}");
        let inserts = (0..24).map(|number| {
            let new = match number % 3 {
                0 => plain(),
                _ => keyed(Sender::new("a"), &key),
            };
            let backend = Arc::clone(&backend);
            tokio::spawn(async move { (new.clone(), backend.insert(new).await) })
        });
        let mut first = Vec::new();
        let mut repeated = Vec::new();
        for insert in inserts.collect::<Vec<_>>() {
            let (new, result) = insert.await.unwrap();
            let is_there = backend.find(new.id).await.unwrap().is_some();
            assert_eq!(is_there, result.is_ok());
            match result {
                Ok(()) if new.idempotency_key.is_none() => {}
                Ok(()) => first.push(new.id),
                Err(BackendError::Repeated(id)) => repeated.push(id),
                Err(error) => panic!("{error:?}"),
            }
        }
        assert_eq!(first.len(), 1);
        assert_eq!(repeated, [first[0]; 15]);
    }
    assert_eq!(backend.census().await.unwrap().waiting, 5 * 9);
}

/// An insert that fails does not use up its key, also with concurrent inserts.
pub async fn leaves_the_key_of_a_failed_insert(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let impossible = NewTransaction {
        body: Some(stored(BlobId::random(), 1)),
        ..keyed(Sender::new("a"), "key")
    };
    let possible = keyed(Sender::new("a"), "key");
    let failed = backend.insert(impossible.clone()).await;
    assert!(matches!(failed, Err(BackendError::NoSuchBlob)));
    let inserts = [impossible.clone(), possible.clone(), impossible].map(|new| backend.insert(new));
    let results = futures_util::future::join_all(inserts).await;
    assert!(results[0].is_err() && results[1].is_ok() && results[2].is_err());
    assert!(backend.find(possible.id).await.unwrap().is_some());
}

/// If the notification repeats a key, nothing of the settlement is written, and the lease remains.
pub async fn refuses_a_notification_with_a_repeated_key(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let first = NewTransaction {
        status: delivered(),
        ..keyed(Sender::new("a"), "key")
    };
    backend.insert(first.clone()).await.unwrap();
    backend.insert(plain()).await.unwrap();
    let (session, leased) = lease_one(&*backend, 0).await;
    let mut end = settlement(&leased, session, 5, Status::Final(FinalReason::Failed));
    end.notification = Some(Box::new(keyed(Sender::new("a"), "key")));
    assert_repeated(backend.settle(end.clone()).await, first.id);
    assert_eq!(backend.census().await.unwrap().leased, 1);
    end.notification = Some(Box::new(keyed(Sender::new("a"), "another")));
    backend.settle(end).await.unwrap();
}
