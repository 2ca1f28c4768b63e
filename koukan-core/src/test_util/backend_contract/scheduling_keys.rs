//! Attempts by destination.

use std::sync::Arc;

use crate::{
    context::{Context, Sender},
    path::ForwardPath,
    storage::{
        Backend,
        record::{
            Due, NewTransaction, Recipient, SchedulingKey, SessionId, Standing, Status,
            TransactionId, Work,
        },
    },
    transaction::Rcpt,
};

use super::{
    BackendFixture,
    sample::{plain, time},
};

fn bound_for(to: &str, at: i64, work: Work) -> NewTransaction {
    NewTransaction {
        context: Arc::new(Context::new(Sender::new("out"))),
        recipients: vec![Recipient {
            rcpt: Rcpt::new(to.parse::<ForwardPath>().unwrap()),
            settled: None,
        }],
        status: Status::Due(Due { at: time(at), work }),
        ..plain()
    }
}

async fn insert(backend: &dyn Backend, new: NewTransaction) -> TransactionId {
    let id = new.id;
    backend.insert(new).await.unwrap();
    id
}

/// Attempts for some destinations are passed over, and other work is not. This also holds when the
/// next due time is queried, and after a lease.
pub async fn passes_over_some_destinations(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let backend = &*backend;
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    let near = bound_for("bob@Near.example", 1, Work::Attempt);
    let except = [SchedulingKey::of(&near.context, &near.recipients)];
    let near = insert(backend, near).await;
    let notified = insert(backend, bound_for("bob@near.example", 2, Work::Notify)).await;
    let far = insert(backend, bound_for("bob@far.example", 3, Work::Attempt)).await;
    let later = insert(backend, bound_for("bob@far.example", 9, Work::Attempt)).await;

    let next = async |except: &[SchedulingKey]| {
        let next = backend.next_due(Standing::Clear, except).await;
        next.unwrap()
    };
    let lease = async |at: i64, limit: usize, except: &[SchedulingKey]| {
        let leased = backend.lease_due(session, time(at), Standing::Clear, limit, except);
        let leased = leased.await.unwrap().into_iter();
        leased
            .map(|leased| leased.transaction.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(next(&[]).await, Some(time(1)));
    assert_eq!(next(&except).await, Some(time(2)));
    assert_eq!(lease(5, 1, &except).await, [notified]);
    assert_eq!(lease(5, 9, &except).await, [far]);
    assert_eq!(lease(5, 9, &except).await, []);
    assert_eq!(next(&except).await, Some(time(9)));
    assert_eq!(lease(5, 9, &[]).await, [near]);
    backend.release(near, session, 1).await.unwrap();
    assert_eq!(next(&[]).await, Some(time(1)));
    assert_eq!(lease(9, 9, &except).await, [later]);
    assert_eq!(next(&except).await, None);
}

/// Attempts for one destination can be leased separately: due ones in the order of their due times, no
/// other work, and no suspects.
pub async fn leases_for_one_destination(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let crashed = SessionId::random();
    backend.open_session(crashed, time(0)).await.unwrap();
    let suspect = bound_for("carol@near.example", 0, Work::Attempt);
    let near = SchedulingKey::of(&suspect.context, &suspect.recipients);
    insert(&*backend, suspect).await;
    let leased = backend.lease_due(crashed, time(0), Standing::Clear, 1, &[]);
    assert_eq!(leased.await.unwrap().len(), 1);
    drop(backend);

    let backend = fixture.open().await;
    let backend = &*backend;
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    let mut attempts = Vec::new();
    for at in [3, 1, 9, 2] {
        let new = bound_for("bob@Near.example", at, Work::Attempt);
        attempts.push(insert(backend, new).await);
        insert(backend, bound_for("bob@far.example", at, Work::Attempt)).await;
        insert(backend, bound_for("bob@near.example", at, Work::Notify)).await;
    }
    let lease = async |at: i64, limit: usize| {
        let leased = backend.lease_for(session, time(at), &near, limit).await;
        let leased = leased.unwrap().into_iter();
        leased
            .map(|leased| leased.transaction.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(lease(0, 9).await, []);
    assert_eq!(lease(5, 0).await, []);
    assert_eq!(lease(5, 2).await, [attempts[1], attempts[3]]);
    assert_eq!(lease(5, 9).await, [attempts[0]]);
    assert_eq!(lease(5, 9).await, []);
    backend.release(attempts[3], session, 1).await.unwrap();
    assert_eq!(lease(9, 9).await, [attempts[3], attempts[2]]);
}
