//! Leasing a single transaction.

use std::sync::Arc;

use crate::storage::{
    BackendError,
    record::{NewTransaction, SessionId, Standing, Work},
};

use super::{
    BackendFixture,
    drafts::draft,
    sample::{delivered, due, lease_one, plain, settlement, time},
};

/// A transaction that is neither final nor leased can be leased whenever it is due.
pub async fn leases_by_identity(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    let later = NewTransaction {
        status: due(1000),
        ..plain()
    };
    let finished = NewTransaction {
        status: delivered(),
        ..plain()
    };
    let draft = draft(1000);
    for new in [&later, &finished, &draft] {
        backend.insert(new.clone()).await.unwrap();
    }
    let leased = backend
        .lease(later.id, session, None)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(leased.transaction.id, later.id);
    assert_eq!(leased.transaction.status, due(1000));
    let body = leased.transaction.body.as_ref().unwrap();
    assert_eq!(body.blob, later.body.unwrap().blob);
    for id in [later.id, finished.id, plain().id] {
        assert!(backend.lease(id, session, None).await.unwrap().is_none());
    }
    let nothing = backend
        .lease_due(session, time(999), Standing::Clear, 9, &[])
        .await
        .unwrap();
    assert!(nothing.is_empty());
    let leased_draft = backend.lease(draft.id, session, None).await.unwrap();
    assert_eq!(leased_draft.unwrap().transaction.status, draft.status);
    assert_eq!(backend.census().await.unwrap().leased, 2);
    assert_eq!(backend.next_due(Standing::Clear, &[]).await.unwrap(), None);

    let end = settlement(&leased, session, 5, due(60));
    backend.settle(end).await.unwrap();
    assert_eq!(
        backend.next_due(Standing::Clear, &[]).await.unwrap(),
        Some(time(60))
    );
    assert!(
        backend
            .lease(later.id, session, None)
            .await
            .unwrap()
            .is_some()
    );
}

/// Each lease has a higher fencing token than the one before, however it was taken, and is freed
/// when its session is dead.
pub async fn fences_leases_by_identity(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let new = plain();
    backend.insert(new.clone()).await.unwrap();
    let (session, first) = lease_one(&*backend, 0).await;
    assert!(
        backend
            .lease(new.id, session, None)
            .await
            .unwrap()
            .is_none()
    );
    backend.release(new.id, session, first.fence).await.unwrap();
    let second = backend.lease(new.id, session, None).await.unwrap().unwrap();
    assert!(second.fence > first.fence);
    let old = settlement(&first, session, 5, delivered());
    let result = backend.settle(old).await;
    assert!(matches!(result, Err(BackendError::LeaseLost)), "{result:?}");
    let fence = second.fence;
    backend.release(new.id, session, fence).await.unwrap();
    let third = backend.lease(new.id, session, None).await.unwrap().unwrap();
    drop(backend);

    let backend = fixture.open().await;
    let (session, fourth) = lease_one(&*backend, 0).await;
    assert!(fourth.fence > third.fence && third.fence > second.fence);
    let end = settlement(&fourth, session, 5, delivered());
    backend.settle(end).await.unwrap();
    assert!(
        backend
            .lease(new.id, session, None)
            .await
            .unwrap()
            .is_none()
    );
}

/// Of concurrent leases of one transaction, one succeeds.
pub async fn leases_to_one_only(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    for _ in 0..20 {
        let new = plain();
        backend.insert(new.clone()).await.unwrap();
        let takers = (0..6).map(|number| {
            let (backend, id) = (Arc::clone(&backend), new.id);
            tokio::spawn(async move {
                if number % 2 == 0 {
                    backend.lease(id, session, None).await.unwrap().is_some()
                } else {
                    let leased = backend
                        .lease_due(session, time(0), Standing::Clear, 1, &[])
                        .await;
                    !leased.unwrap().is_empty()
                }
            })
        });
        let mut leased = 0;
        for taker in takers.collect::<Vec<_>>() {
            leased += u32::from(taker.await.unwrap());
        }
        assert_eq!(leased, 1);
    }
}

/// A lease for one kind of work is not given if another kind is to be done.
pub async fn leases_for_that_work_only(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    let draft = draft(1000);
    backend.insert(draft.clone()).await.unwrap();
    for other in [Work::Attempt, Work::Notify] {
        let leased = backend.lease(draft.id, session, Some(other)).await;
        assert!(leased.unwrap().is_none(), "{other:?}");
    }
    assert_eq!(backend.census().await.unwrap().leased, 0);
    // As if nobody had asked: the draft can still be completed.
    let whole = NewTransaction {
        id: draft.id,
        ..plain()
    };
    backend.complete(whole).await.unwrap();
    let late = backend.lease(draft.id, session, Some(Work::Abandon)).await;
    assert!(late.unwrap().is_none());
    let leased = backend.lease(draft.id, session, Some(Work::Attempt)).await;
    assert_eq!(leased.unwrap().unwrap().fence, 1);
}
