//! Transactions written together: all of them or none.

use std::sync::Arc;

use crate::{
    blob::BlobId,
    context::{Context, Sender},
    storage::{
        Backend, BackendError,
        record::{
            BlobContent, Commit, IdempotencyKey, NewBody, NewTransaction, SessionId, Standing,
            TransactionId,
        },
    },
};

use super::{
    BackendFixture,
    drafts::draft,
    sample::{delivered, due, inline, plain, read, settlement, stored, time},
};

/// The completed form of a draft.
fn completed(draft: &NewTransaction) -> NewTransaction {
    NewTransaction {
        id: draft.id,
        ..plain()
    }
}

async fn is_there(backend: &dyn Backend, id: TransactionId) -> bool {
    backend.find(id).await.unwrap().is_some()
}

/// New transactions and completed drafts are written in one call, also under lease, and also if
/// they share a blob that only the first one brings.
pub async fn commits_several_together(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    let drafts = [draft(50), draft(50)];
    for draft in &drafts {
        backend.insert(draft.clone()).await.unwrap();
    }
    let body = inline(b"\r\nshared\r\n");
    let first = NewTransaction {
        body: Some(body.clone()),
        ..plain()
    };
    let leased = NewTransaction {
        body: Some(NewBody {
            content: BlobContent::Stored,
            ..body.clone()
        }),
        leased_by: Some(session),
        ..plain()
    };
    let whole = drafts.each_ref().map(completed);
    let together = vec![
        Commit::Insert(first.clone()),
        Commit::Complete(whole[0].clone()),
        Commit::Insert(leased.clone()),
        Commit::Complete(whole[1].clone()),
    ];
    backend.commit(together).await.unwrap();
    for new in [&first, &leased, &whole[0], &whole[1]] {
        let found = backend.find(new.id).await.unwrap().unwrap();
        assert_eq!(found.status, due(0));
        let body = found.body.unwrap();
        assert_eq!(body.blob, new.body.as_ref().unwrap().blob);
        read(&*backend, body.blob, body.len).await;
    }
    let due = backend
        .lease_due(session, time(0), Standing::Clear, 9, &[])
        .await
        .unwrap();
    assert_eq!(due.len(), 3);
    backend.release(leased.id, session, 1).await.unwrap();
    // An empty commit does nothing.
    backend.commit(Vec::new()).await.unwrap();
}

/// If one cannot be written, none is, whichever it is and wherever it stands, and existing data
/// stays as it was. Concurrent commits are not affected.
pub async fn commits_all_or_none(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let key = IdempotencyKey::from("once");
    let keyed = || NewTransaction {
        context: Arc::new(Context::new(Sender::new("a"))),
        idempotency_key: Some(key.clone()),
        ..plain()
    };
    let (there, draft) = (keyed(), draft(50));
    for new in [&there, &draft] {
        backend.insert(new.clone()).await.unwrap();
    }
    let without_blob = NewTransaction {
        body: Some(stored(BlobId::random(), 5)),
        ..plain()
    };
    type Is = fn(&BackendError) -> bool;
    let bad: [(Commit, Is); 5] = [
        (Commit::Insert(without_blob.clone()), |error| {
            matches!(error, BackendError::NoSuchBlob)
        }),
        (Commit::Insert(keyed()), |error| {
            matches!(error, BackendError::Repeated(_))
        }),
        (Commit::Insert(there.clone()), |error| {
            matches!(error, BackendError::Repeated(_))
        }),
        (Commit::Complete(plain()), |error| {
            matches!(error, BackendError::NotDraft)
        }),
        (
            Commit::Insert(NewTransaction {
                id: draft.id,
                ..plain()
            }),
            |error| matches!(error, BackendError::Failed(_)),
        ),
    ];
    for (bad, is_expected) in bad {
        for position in 0..3 {
            let first = plain();
            let whole = completed(&draft);
            let mut together = vec![
                Commit::Insert(first.clone()),
                Commit::Complete(whole.clone()),
            ];
            together.insert(position, bad.clone());
            let other = plain();
            let (written, beside) =
                tokio::join!(backend.commit(together), backend.insert(other.clone()));
            let error = written.unwrap_err();
            assert!(is_expected(&error), "{bad:?} at {position}: {error:?}");
            beside.unwrap();
            assert!(is_there(&*backend, other.id).await);
            assert!(
                !is_there(&*backend, first.id).await,
                "{bad:?} at {position}"
            );
            let found = backend.find(draft.id).await.unwrap().unwrap();
            assert_eq!(found.status, draft.status);
            assert_eq!(found.body, None);
            let blob = first.body.as_ref().unwrap().blob;
            let octets = backend.read_blob(blob, 0).await;
            assert!(
                matches!(octets, Err(BackendError::NoSuchBlob)),
                "{octets:?}"
            );
        }
    }
    // The draft can still be completed.
    let together = vec![Commit::Complete(completed(&draft)), Commit::Insert(plain())];
    backend.commit(together).await.unwrap();
}

/// A transaction that appears twice in one call is not written.
pub async fn commits_nothing_twice(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let draft = draft(50);
    backend.insert(draft.clone()).await.unwrap();
    let new = plain();
    let key = Some(IdempotencyKey::from("once"));
    let keyed = || NewTransaction {
        idempotency_key: key.clone(),
        ..plain()
    };
    let whole = completed(&draft);
    for twice in [
        [Commit::Insert(new.clone()), Commit::Insert(new.clone())],
        [Commit::Insert(keyed()), Commit::Insert(keyed())],
        [
            Commit::Complete(whole.clone()),
            Commit::Complete(whole.clone()),
        ],
    ] {
        let other = plain();
        let mut together = Vec::from(twice);
        together.insert(1, Commit::Insert(other.clone()));
        backend.commit(together).await.unwrap_err();
        assert!(!is_there(&*backend, other.id).await);
    }
    assert!(!is_there(&*backend, new.id).await);
    let found = backend.find(draft.id).await.unwrap().unwrap();
    assert_eq!(found.status, draft.status);
}

/// Several leases end in one commit with a notification. If one of them is lost, or the notification
/// cannot be written, none ends.
pub async fn settles_all_or_none(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    for _ in 0..3 {
        backend.insert(plain()).await.unwrap();
    }
    let leased = backend.lease_due(session, time(0), Standing::Clear, 9, &[]);
    let leased = leased.await.unwrap();
    let ids: Vec<_> = leased.iter().map(|leased| leased.transaction.id).collect();
    let ends = leased.iter();
    let mut ends = ends.map(|leased| settlement(leased, session, 5, delivered()));
    let notification = plain();
    let mut end = ends.next().unwrap();
    end.notification = Some(Box::new(notification.clone()));
    end.together = ends.collect();
    assert_eq!(end.together.len(), 2);

    let mut lost = end.clone();
    lost.together[1].fence += 1;
    let mut twice = end.clone();
    twice.together.push(twice.together[0].clone());
    let mut first_lost = end.clone();
    first_lost.session = SessionId::random();
    for end in [lost, twice, first_lost] {
        let result = backend.settle(end).await;
        assert!(matches!(result, Err(BackendError::LeaseLost)), "{result:?}");
    }
    let mut impossible = end.clone();
    let body = Some(stored(BlobId::random(), 5));
    impossible.notification = Some(Box::new(NewTransaction { body, ..plain() }));
    let result = backend.settle(impossible).await;
    let is_missing = matches!(result, Err(BackendError::NoSuchBlob));
    assert!(is_missing, "{result:?}");
    for id in &ids {
        let found = backend.find(*id).await.unwrap().unwrap();
        assert_eq!((found.status, found.attempt_count), (due(0), 0));
    }
    assert!(!is_there(&*backend, notification.id).await);

    backend.settle(end).await.unwrap();
    for id in &ids {
        let found = backend.find(*id).await.unwrap().unwrap();
        assert_eq!((found.status, found.attempt_count), (delivered(), 1));
    }
    assert!(is_there(&*backend, notification.id).await);
    let census = backend.census().await.unwrap();
    assert_eq!((census.leased, census.waiting, census.finished), (0, 1, 3));
}
