//! Sessions that begin and die.

use crate::storage::{
    BackendError, Recovered, crash_back_off,
    record::{NewTransaction, SessionId},
};

use super::{
    BackendFixture,
    sample::{due, lease_one, plain, settlement, time},
};

/// A transaction can be inserted under lease, with fencing token 1.
pub async fn inserts_under_lease(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    let new = NewTransaction {
        leased_by: Some(session),
        ..plain()
    };
    backend.insert(new.clone()).await.unwrap();
    assert_eq!(backend.next_due().await.unwrap(), None);
    let leased = backend.lease_due(session, time(9), 10).await.unwrap();
    assert!(leased.is_empty());

    backend.release(new.id, session, 1).await.unwrap();
    let leased = backend.lease_due(session, time(9), 10).await.unwrap();
    assert_eq!(leased[0].fence, 2);
}

/// A session that begins frees what sessions of dead processes hold, and nothing else.
pub async fn frees_leases_of_dead_sessions(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let dead = SessionId::random();
    backend.open_session(dead, time(0)).await.unwrap();
    let held = NewTransaction {
        leased_by: Some(dead),
        status: due(1000),
        ..plain()
    };
    for new in [held.clone(), plain(), plain()] {
        backend.insert(new).await.unwrap();
    }
    let leased = backend.lease_due(dead, time(0), 1).await.unwrap();
    let [lost] = leased.try_into().expect("one is leased");
    let census = backend.census().await.unwrap();
    assert_eq!((census.leased, census.waiting), (2, 1));
    let sibling = SessionId::random();
    let recovered = backend.open_session(sibling, time(0)).await.unwrap();
    assert_eq!(recovered, Recovered { freed: 0 });
    assert_eq!(backend.census().await.unwrap(), census);
    drop(backend);

    let backend = fixture.open().await;
    let session = SessionId::random();
    let recovered = backend.open_session(session, time(5)).await.unwrap();
    assert_eq!(recovered, Recovered { freed: 2 });
    let end = settlement(&lost, dead, 5, due(60));
    assert!(matches!(
        backend.settle(end).await,
        Err(BackendError::LeaseLost)
    ));
    let leased = backend.lease_due(session, time(5), 10).await.unwrap();
    assert_eq!(leased.len(), 3, "what was freed is due at once");
    let again = leased
        .iter()
        .find(|leased| leased.transaction.id == lost.transaction.id);
    assert!(again.unwrap().fence > lost.fence);
    assert!(leased.iter().any(|leased| leased.transaction.id == held.id));
}

/// A transaction under lease in crash after crash is due at once four times, then ever later.
pub async fn backs_off_after_crashes(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let new = plain();
    backend.insert(new.clone()).await.unwrap();
    let mut now = 0;
    lease_one(&*backend, now).await;
    drop(backend);
    for crashes in 1..=13 {
        let backend = fixture.open().await;
        let wait = crash_back_off(crashes).as_secs() as i64;
        let session = SessionId::random();
        let recovered = backend.open_session(session, time(now)).await.unwrap();
        assert_eq!(recovered, Recovered { freed: 1 });
        let next = backend.next_due().await.unwrap().unwrap();
        if wait == 0 {
            assert!(next <= time(now), "crash {crashes}: due at {next}");
        } else {
            assert_eq!(next, time(now + wait), "crash {crashes}");
        }
        now += wait;
        let leased = backend.lease_due(session, time(now), 1).await.unwrap();
        assert_eq!(leased.len(), 1);
        assert_eq!(leased[0].transaction.attempt_count, 0);
    }
}

/// An attempt that ends shows that the transaction does not crash the process.
pub async fn forgets_crashes_after_an_attempt(fixture: &dyn BackendFixture) {
    let new = plain();
    let backend = fixture.open().await;
    backend.insert(new).await.unwrap();
    lease_one(&*backend, 0).await;
    drop(backend);
    for _ in 1..4 {
        let backend = fixture.open().await;
        lease_one(&*backend, 0).await;
    }
    let backend = fixture.open().await;
    let (session, leased) = lease_one(&*backend, 0).await;
    let end = settlement(&leased, session, 0, due(0));
    backend.settle(end).await.unwrap();
    drop(backend);
    let backend = fixture.open().await;
    lease_one(&*backend, 0).await;
    drop(backend);
    let backend = fixture.open().await;
    lease_one(&*backend, 0).await;
}
