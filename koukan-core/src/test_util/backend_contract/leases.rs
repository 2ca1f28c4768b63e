//! Leasing due transactions, and releasing the leases.

use crate::storage::{
    Backend, BackendError,
    record::{NewTransaction, SessionId, Standing, TransactionId},
};

use super::{
    BackendFixture,
    sample::{delivered, due, lease_one, plain, time},
};

async fn insert_due(backend: &dyn Backend, seconds: i64) -> TransactionId {
    let new = NewTransaction {
        status: due(seconds),
        ..plain()
    };
    let id = new.id;
    backend.insert(new).await.unwrap();
    id
}

async fn lease(
    backend: &dyn Backend,
    session: SessionId,
    seconds: i64,
    limit: usize,
) -> Vec<TransactionId> {
    let leased = backend
        .lease_due(session, time(seconds), Standing::Clear, limit, &[])
        .await;
    let leased = leased.unwrap();
    leased
        .into_iter()
        .map(|leased| leased.transaction.id)
        .collect()
}

/// Transactions are leased in the order of their due times, not before they are due, and not twice.
pub async fn leases_in_the_order_of_due_times(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let backend = &*backend;
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    let third = insert_due(backend, 30).await;
    let first = insert_due(backend, 10).await;
    let second = insert_due(backend, 20).await;
    let finished = NewTransaction {
        status: delivered(),
        ..plain()
    };
    backend.insert(finished).await.unwrap();

    assert_eq!(lease(backend, session, 9, 10).await, []);
    assert_eq!(lease(backend, session, 20, 10).await, [first, second]);
    assert_eq!(lease(backend, session, 29, 10).await, []);
    assert_eq!(lease(backend, session, 30, 10).await, [third]);
    assert_eq!(lease(backend, session, 99, 10).await, []);
}

/// No more transactions are leased than were asked for.
pub async fn leases_no_more_than_asked(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let backend = &*backend;
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    let mut ids = Vec::new();
    for seconds in 0..5 {
        ids.push(insert_due(backend, seconds).await);
    }
    assert_eq!(lease(backend, session, 9, 0).await, []);
    assert_eq!(lease(backend, session, 9, 2).await, ids[..2]);
    assert_eq!(lease(backend, session, 9, 2).await, ids[2..4]);
    assert_eq!(lease(backend, session, 9, 2).await, ids[4..]);
}

/// A released transaction is due as before, under a higher fencing token. Only the holder of the
/// lease can release it.
pub async fn releases_a_lease(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let backend = &*backend;
    let id = insert_due(backend, 5).await;
    let (session, leased) = lease_one(backend, 9).await;
    assert_eq!(leased.transaction.id, id);
    assert_eq!(leased.transaction.status, due(5));

    assert_lost(backend.release(id, SessionId::random(), leased.fence).await);
    assert_lost(backend.release(id, session, leased.fence + 1).await);
    assert_lost(backend.release(plain().id, session, leased.fence).await);
    assert_eq!(backend.next_due(Standing::Clear, &[]).await.unwrap(), None);
    backend.release(id, session, leased.fence).await.unwrap();
    assert_lost(backend.release(id, session, leased.fence).await);
    assert_eq!(
        backend.next_due(Standing::Clear, &[]).await.unwrap(),
        Some(time(5))
    );

    let again = backend
        .lease_due(session, time(9), Standing::Clear, 1, &[])
        .await
        .unwrap();
    assert!(again[0].fence > leased.fence);
    assert_lost(backend.release(id, session, leased.fence).await);
}

fn assert_lost(result: Result<(), BackendError>) {
    assert!(matches!(result, Err(BackendError::LeaseLost)), "{result:?}");
}

/// The next due time is the earliest one of transactions that are neither leased nor final.
pub async fn tells_when_the_next_is_due(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let backend = &*backend;
    assert_eq!(backend.next_due(Standing::Clear, &[]).await.unwrap(), None);
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    insert_due(backend, 20).await;
    insert_due(backend, 10).await;
    assert_eq!(
        backend.next_due(Standing::Clear, &[]).await.unwrap(),
        Some(time(10))
    );
    lease(backend, session, 10, 10).await;
    assert_eq!(
        backend.next_due(Standing::Clear, &[]).await.unwrap(),
        Some(time(20))
    );
    lease(backend, session, 20, 10).await;
    assert_eq!(backend.next_due(Standing::Clear, &[]).await.unwrap(), None);
}
