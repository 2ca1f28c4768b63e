//! What is attempted, by its destination.

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

/// Attempts for some destinations are passed over, and other work is not; also when it is asked what
/// is due next, and after a lease.
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
