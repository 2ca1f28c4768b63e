//! Ending a lease with its result.

use futures_util::future::join_all;

use crate::{
    reply::Reply,
    storage::{
        Backend, BackendError,
        record::{FinalReason, NewTransaction, SessionId, Settlement, Standing, Status},
    },
};

use super::{
    BackendFixture,
    sample::{attempt, delivered, due, lease_one, plain, read, rich, settlement, stored, time},
};

/// A final settlement writes attempt, recipients and reason, and the transaction is no longer due.
pub async fn settles_for_good(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let new = NewTransaction {
        status: due(0),
        ..rich()
    };
    backend.insert(new.clone()).await.unwrap();
    let (session, leased) = lease_one(&*backend, 9).await;
    let mut end = settlement(&leased, session, 20, Status::Final(FinalReason::Failed));
    end.recipients[0].settled = Some(Reply::no_such_user());
    backend.settle(end.clone()).await.unwrap();

    let found = backend.find(new.id).await.unwrap().unwrap();
    assert_eq!(found.status, end.status);
    assert_eq!(found.recipients, end.recipients);
    assert_eq!(found.attempt_count, 3);
    assert_eq!(found.last_attempt, end.attempt);
    assert_eq!(found.mail, new.mail);
    assert_eq!(backend.next_due(Standing::Clear, &[]).await.unwrap(), None);
    assert_eq!(backend.census().await.unwrap().finished, 1);
}

/// A settlement for later ends the lease. The transaction is leased again at its new time, and its
/// last attempt stays if none was made.
pub async fn settles_for_later(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let new = plain();
    backend.insert(new.clone()).await.unwrap();
    let (session, leased) = lease_one(&*backend, 0).await;
    let later = settlement(&leased, session, 5, due(60));
    backend.settle(later).await.unwrap();
    assert_eq!(
        backend.next_due(Standing::Clear, &[]).await.unwrap(),
        Some(time(60))
    );

    let (session, leased) = lease_one(&*backend, 60).await;
    assert_eq!(leased.transaction.attempt_count, 1);
    assert_eq!(leased.transaction.last_attempt, Some(attempt(5)));
    let without = Settlement {
        attempt: None,
        ..settlement(&leased, session, 65, due(120))
    };
    backend.settle(without).await.unwrap();
    let found = backend.find(new.id).await.unwrap().unwrap();
    assert_eq!(found.attempt_count, 1);
    assert_eq!(found.last_attempt, Some(attempt(5)));
    assert_eq!(found.status, due(120));
}

/// A notification is queued in the same commit, with its own body or a reference to one.
pub async fn settles_with_a_notification(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let new = plain();
    let body = new.body.clone().unwrap();
    for notified_body in [
        rich().body.unwrap(),
        stored(body.blob, body.len),
        body.clone(),
    ] {
        let failed = NewTransaction {
            id: plain().id,
            ..new.clone()
        };
        backend.insert(failed.clone()).await.unwrap();
        let (session, leased) = lease_one(&*backend, 0).await;
        let notification = NewTransaction {
            body: Some(notified_body.clone()),
            status: due(30),
            ..rich()
        };
        let mut end = settlement(&leased, session, 5, Status::Final(FinalReason::Failed));
        end.notification = Some(Box::new(notification.clone()));
        backend.settle(end).await.unwrap();

        let found = backend.find(failed.id).await.unwrap().unwrap();
        assert!(found.status.is_final());
        let found = backend.find(notification.id).await.unwrap().unwrap();
        assert_eq!(found.mail, notification.mail);
        assert_eq!(found.status, due(30));
        let octets = read(&*backend, notified_body.blob, notified_body.len).await;
        assert_eq!(octets.len() as u64, notified_body.len);
        let (session, leased) = lease_one(&*backend, 30).await;
        let end = settlement(&leased, session, 40, delivered());
        backend.settle(end).await.unwrap();
    }
}

/// If the notification cannot be written, nothing of the settlement is, and the lease remains.
pub async fn settles_wholly_or_not_at_all(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let new = plain();
    backend.insert(new.clone()).await.unwrap();
    let (session, leased) = lease_one(&*backend, 0).await;
    let mut end = settlement(&leased, session, 5, Status::Final(FinalReason::Failed));
    let impossible = NewTransaction {
        body: Some(stored(plain().body.unwrap().blob, 5)),
        ..plain()
    };
    let notification = impossible.id;
    end.notification = Some(Box::new(impossible));
    let result = backend.settle(end.clone()).await;
    assert!(
        matches!(result, Err(BackendError::NoSuchBlob)),
        "{result:?}"
    );
    assert_unchanged(&*backend, &new).await;
    assert!(backend.find(notification).await.unwrap().is_none());
    end.notification = None;
    backend.settle(end).await.unwrap();
}

/// Only the holder of the lease can settle; nothing of another's settlement is written.
pub async fn refuses_a_settlement_without_the_lease(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let new = plain();
    backend.insert(new.clone()).await.unwrap();
    let (session, first) = lease_one(&*backend, 0).await;
    backend.release(new.id, session, first.fence).await.unwrap();
    let again = backend
        .lease_due(session, time(0), Standing::Clear, 1, &[])
        .await
        .unwrap();
    let [second] = again.try_into().expect("it is due again");

    let mut old = settlement(&first, session, 5, delivered());
    let notification = plain();
    old.notification = Some(Box::new(notification.clone()));
    let other = Settlement {
        session: SessionId::random(),
        fence: second.fence,
        ..old.clone()
    };
    let unknown = Settlement {
        id: plain().id,
        ..old.clone()
    };
    for settlement in [old, other, unknown] {
        let result = backend.settle(settlement).await;
        assert!(matches!(result, Err(BackendError::LeaseLost)), "{result:?}");
    }
    assert_unchanged(&*backend, &new).await;
    assert!(backend.find(notification.id).await.unwrap().is_none());

    let end = settlement(&second, session, 5, delivered());
    backend.settle(end.clone()).await.unwrap();
    let result = backend.settle(end).await;
    assert!(matches!(result, Err(BackendError::LeaseLost)), "{result:?}");
}

/// Of concurrent settlements of one transaction, one by the holder of the lease succeeds, and nothing of the others
/// is written.
pub async fn settles_by_the_lease_that_is_held(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    for _ in 0..3 {
        backend.insert(plain()).await.unwrap();
    }
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    let lease = || backend.lease_due(session, time(0), Standing::Clear, 9, &[]);
    let lost = lease().await.unwrap();
    for lost in &lost {
        let released = backend.release(lost.transaction.id, session, lost.fence);
        released.await.unwrap();
    }
    let held = lease().await.unwrap();
    let tries = [
        (&lost, 3, due(60)),
        (&held, 5, delivered()),
        (&held, 7, Status::Final(FinalReason::Failed)),
    ];
    let ends = tries.iter().flat_map(|(leased, seconds, status)| {
        let ends = leased.iter();
        ends.map(|leased| settlement(leased, session, *seconds, status.clone()))
    });
    let results = join_all(ends.map(|end| backend.settle(end))).await;
    for held in &held {
        let mut done = Vec::new();
        for ((leased, seconds, status), results) in tries.iter().zip(results.chunks(lost.len())) {
            let place = leased.iter();
            let place = place.map(|leased| leased.transaction.id);
            let place = place.take_while(|id| *id != held.transaction.id).count();
            match &results[place] {
                Ok(()) => done.push((*seconds, status)),
                result => assert!(matches!(result, Err(BackendError::LeaseLost)), "{result:?}"),
            }
        }
        let [(seconds, status)] = done[..] else {
            panic!("{done:?}");
        };
        assert!(seconds > 3, "it was lost");
        let id = held.transaction.id;
        let found = backend.find(id).await.unwrap().unwrap();
        assert_eq!((&found.status, found.attempt_count), (status, 1));
        assert_eq!(backend.attempts(id).await.unwrap(), [attempt(seconds)]);
    }
}

async fn assert_unchanged(backend: &dyn Backend, new: &NewTransaction) {
    let found = backend.find(new.id).await.unwrap().unwrap();
    assert_eq!(found.status, new.status);
    assert_eq!(found.recipients, new.recipients);
    assert_eq!(found.attempt_count, 0);
    assert_eq!(found.last_attempt, None);
    assert_eq!(backend.census().await.unwrap().leased, 1);
}
