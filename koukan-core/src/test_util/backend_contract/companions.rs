//! Leasing attempts at one message together.

use crate::storage::{
    Backend,
    record::{
        Change, Commit, Companions, Due, MessageKey, NewTransaction, QueueAction, SchedulingKey,
        SessionId, Standing, Status, TransactionId, Work,
    },
};

use super::{
    BackendFixture,
    sample::{delivered, due, plain, recipient, settlement, time},
};

fn carrying(message_key: Option<MessageKey>, to: &str, status: Status) -> NewTransaction {
    NewTransaction {
        recipients: vec![recipient(to)],
        message_key,
        status,
        ..plain()
    }
}

async fn insert(backend: &dyn Backend, new: NewTransaction) -> TransactionId {
    let id = new.id;
    backend.insert(new).await.unwrap();
    id
}

async fn lease(
    backend: &dyn Backend,
    session: SessionId,
    companions: &[Companions],
    limit: usize,
) -> Vec<TransactionId> {
    let leased = backend.lease_companions(session, time(50), companions.to_vec(), limit);
    let mut leased = leased.await.unwrap();
    assert!(leased.iter().all(|leased| leased.fence == 1));
    leased.sort_by_key(|leased| match leased.transaction.status {
        Status::Due(due) => due.at,
        Status::Final(_) => time(0),
    });
    let ids = leased.into_iter();
    ids.map(|leased| leased.transaction.id).collect()
}

/// Of the attempts at a message with the same destination, those that are due, not leased and not held
/// are leased: those due first come first, up to the requested number.
pub async fn leases_companions(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let backend = &*backend;
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    let [one, other] = [(); 2].map(|()| MessageKey::random());
    let first = carrying(Some(one), "a@Near.example", due(1));
    let near = SchedulingKey::of(&first.context, &first.recipients);
    let first = insert(backend, first).await;
    let mut companions = Vec::new();
    for (at, to) in [(30, "c@near.example"), (20, "b@NEAR.example")] {
        companions.insert(0, insert(backend, carrying(Some(one), to, due(at))).await);
    }
    let last = insert(backend, carrying(Some(one), "d@near.example", due(50))).await;
    companions.push(last);
    let notify = Status::Due(Due {
        at: time(2),
        work: Work::Notify,
    });
    for new in [
        carrying(Some(one), "later@near.example", due(51)),
        carrying(Some(one), "far@far.example", due(2)),
        carrying(Some(one), "notified@near.example", notify),
        carrying(None, "alone@near.example", due(2)),
    ] {
        insert(backend, new).await;
    }
    let copy = insert(backend, carrying(Some(other), "x@near.example", due(3))).await;
    let held = insert(backend, carrying(Some(one), "held@near.example", due(2))).await;
    let hold = Change {
        ids: vec![held],
        action: QueueAction::Hold,
        now: time(1),
        is_dry: false,
    };
    backend.change(hold).await.unwrap();
    let leased = backend
        .lease_due(session, time(1), Standing::Clear, 9, &[])
        .await
        .unwrap();
    assert_eq!(leased.len(), 1);
    assert_eq!(leased[0].transaction.id, first);

    let wanted = |message_key, limit| Companions {
        message_key,
        destination: Some(near.clone()),
        until: time(50),
        limit,
    };
    assert_eq!(lease(backend, session, &[], 9).await, []);
    assert_eq!(lease(backend, session, &[wanted(one, 0)], 9).await, []);
    let unknown = wanted(MessageKey::random(), 9);
    assert_eq!(lease(backend, session, &[unknown], 9).await, []);
    assert_eq!(
        lease(backend, session, &[wanted(one, 1)], 9).await,
        companions[..1]
    );
    let both = [wanted(one, 9), wanted(other, 9)];
    assert_eq!(lease(backend, session, &both, 1).await, companions[1..2]);
    assert_eq!(
        lease(backend, session, &both, 9).await,
        [copy, companions[2]]
    );
    assert_eq!(lease(backend, session, &both, 9).await, []);
    // A lease that was given back can be taken again.
    backend.release(last, session, 1).await.unwrap();
    let again = backend.lease_companions(session, time(50), both.to_vec(), 9);
    let again = again.await.unwrap();
    assert_eq!((again.len(), again[0].fence), (1, 2));
}

/// Notifications about one message are leased together, whatever their destinations were.
pub async fn leases_notifications_about_a_message(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let backend = &*backend;
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    let [one, other] = [(); 2].map(|()| MessageKey::random());
    let told = |key, to, seconds| {
        let work = Work::Notify;
        let at = time(seconds);
        carrying(key, to, Status::Due(Due { at, work }))
    };
    let mut expected = Vec::new();
    for new in [
        told(Some(one), "a@near.example", 1),
        told(Some(one), "b@far.example", 2),
        told(Some(one), "c@near.example", 3),
    ] {
        expected.push(insert(backend, new).await);
    }
    for new in [
        told(Some(one), "later@near.example", 4),
        told(Some(other), "other@near.example", 2),
        told(None, "alone@near.example", 2),
        carrying(Some(one), "attempt@near.example", due(2)),
    ] {
        insert(backend, new).await;
    }
    let wanted = |limit| Companions {
        message_key: one,
        destination: None,
        until: time(3),
        limit,
    };
    assert_eq!(lease(backend, session, &[wanted(9)], 0).await, []);
    let mut leased = lease(backend, session, &[wanted(2)], 9).await;
    assert_eq!(leased.len(), 2);
    leased.extend(lease(backend, session, &[wanted(9)], 9).await);
    leased.sort_unstable();
    expected.sort_unstable();
    assert_eq!(leased, expected);
    assert_eq!(lease(backend, session, &[wanted(9)], 9).await, []);
}

/// A thousand transactions of one message are leased together, and end in one commit, as with the notification that
/// tells of all of them.
pub async fn settles_a_thousand_together(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    let message_key = MessageKey::random();
    let (at, work) = (time(1), Work::Notify);
    let legs = (0..1000).map(|number| {
        let status = Status::Due(Due { at, work });
        let to = format!("r{number}@y.example");
        Commit::Insert(carrying(Some(message_key), &to, status))
    });
    backend.commit(legs.collect()).await.unwrap();
    let wanted = Companions {
        message_key,
        destination: None,
        until: at,
        limit: 1000,
    };
    let leased = backend.lease_companions(session, at, vec![wanted], 1000);
    let leased = leased.await.unwrap();
    assert_eq!(leased.len(), 1000);
    let ends = leased.iter();
    let mut ends = ends.map(|leased| settlement(leased, session, 2, delivered()));
    let mut end = ends.next().unwrap();
    end.together = ends.collect();
    backend.settle(end).await.unwrap();
    let census = backend.census().await.unwrap();
    assert_eq!((census.finished, census.leased), (1000, 0));
}

/// A transaction that may have crashed the process is leased alone.
pub async fn leaves_suspects_alone(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let [session, next] = [(); 2].map(|()| SessionId::random());
    backend.open_session(session, time(0)).await.unwrap();
    let message_key = MessageKey::random();
    let message = Some(message_key);
    let first = carrying(message, "a@near.example", due(1));
    let wanted = [Companions {
        message_key,
        destination: Some(SchedulingKey::of(&first.context, &first.recipients)),
        until: time(50),
        limit: 9,
    }];
    insert(&*backend, first).await;
    let leased = lease(&*backend, session, &wanted, 9).await;
    assert_eq!(leased.len(), 1);
    drop(backend);
    let backend = fixture.open().await;
    backend.open_session(next, time(2)).await.unwrap();
    let clear = insert(&*backend, carrying(message, "b@near.example", due(1))).await;
    assert_eq!(lease(&*backend, next, &wanted, 9).await, [clear]);
}
