//! Transactions with a time of sending.

use std::time::Duration;

use crate::storage::{
    Backend, Listing, QueueState, Search,
    record::{Change, NewTransaction, QueueAction, SessionId, Standing, TransactionId, Work},
};

use super::{
    BackendFixture,
    drafts::draft,
    sample::{due, plain, settlement, time},
};

/// The time at which scheduled transactions are sent.
const THEN: i64 = 1000;

fn scheduled() -> NewTransaction {
    let plain = plain();
    NewTransaction {
        signals: plain.signals.clone().with_send_at(Some(time(THEN))),
        status: due(THEN),
        ..plain
    }
}

async fn listed(backend: &dyn Backend, state: QueueState) -> Vec<TransactionId> {
    let listing = Listing {
        sender: None,
        state: Some(state),
        search: Search::default(),
        before: None,
        limit: 100,
    };
    let listed = backend.list(listing).await.unwrap();
    listed.into_iter().map(|listed| listed.id).collect()
}

async fn change(backend: &dyn Backend, id: TransactionId, action: QueueAction) {
    let change = Change {
        ids: vec![id],
        action,
        now: time(5),
        is_dry: false,
    };
    assert_eq!(backend.change(change).await.unwrap(), [(id, Ok(1))]);
}

/// The time of sending is kept. The transaction counts as scheduled until it is attempted, held, or made
/// due earlier by an operator, and again when it is no longer held. The same holds for a completed draft.
pub async fn keeps_when_it_is_sent(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    let new = scheduled();
    let id = new.id;
    backend.insert(new).await.unwrap();
    let other = NewTransaction {
        status: due(THEN),
        ..plain()
    };
    backend.insert(other).await.unwrap();
    drop(backend);

    let backend = fixture.open().await;
    let session = SessionId::random();
    backend.open_session(session, time(1)).await.unwrap();
    let send_at = async || {
        let found = backend.find(id).await.unwrap().unwrap();
        found.signals.send_at()
    };
    assert_eq!(send_at().await, Some(time(THEN)));
    let early = backend.lease_due(session, time(THEN - 1), Standing::Clear, 9, &[]);
    assert!(early.await.unwrap().is_empty());
    assert_eq!(listed(&*backend, QueueState::Scheduled).await, [id]);
    for state in [QueueState::Waiting, QueueState::Unfinished] {
        assert_eq!(listed(&*backend, state).await.len(), 2);
    }
    change(&*backend, id, QueueAction::Hold).await;
    assert!(listed(&*backend, QueueState::Scheduled).await.is_empty());
    assert_eq!(listed(&*backend, QueueState::Held).await, [id]);
    change(&*backend, id, QueueAction::Release).await;
    assert_eq!(listed(&*backend, QueueState::Scheduled).await, [id]);
    let early = backend.lease_due(session, time(THEN - 1), Standing::Clear, 9, &[]);
    assert!(early.await.unwrap().is_empty());
    change(&*backend, id, QueueAction::Retry).await;
    assert!(listed(&*backend, QueueState::Scheduled).await.is_empty());
    let lease = backend.lease(id, session, Some(Work::Attempt)).await;
    let lease = lease.unwrap().unwrap();
    assert_eq!(lease.transaction.signals.send_at(), Some(time(THEN)));
    let later = settlement(&lease, session, 6, due(THEN));
    backend.settle(later).await.unwrap();
    assert_eq!(send_at().await, Some(time(THEN)));
    assert!(listed(&*backend, QueueState::Scheduled).await.is_empty());

    let incomplete = draft(1);
    let signals = incomplete.signals.clone().with_send_at(Some(time(THEN)));
    let incomplete = NewTransaction {
        signals: signals.clone(),
        ..incomplete
    };
    backend.insert(incomplete.clone()).await.unwrap();
    let found = backend.find(incomplete.id).await.unwrap().unwrap();
    assert_eq!(found.signals.send_at(), Some(time(THEN)));
    assert!(listed(&*backend, QueueState::Scheduled).await.is_empty());
    let whole = NewTransaction {
        id: incomplete.id,
        ..scheduled()
    };
    backend.complete(whole).await.unwrap();
    assert_eq!(
        listed(&*backend, QueueState::Scheduled).await,
        [incomplete.id]
    );
}

/// A scheduled transaction waits for its time even if the clock was set back, or if it was held and released. One that
/// was made due earlier does not.
pub async fn leaves_the_time_at_which_it_is_sent(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    let (waiting, retried, late) = (scheduled(), scheduled(), scheduled());
    let late = NewTransaction {
        status: due(THEN + 50),
        ..late
    };
    let ids = [waiting.id, retried.id, late.id];
    for new in [waiting, retried, late] {
        backend.insert(new).await.unwrap();
    }
    change(&*backend, ids[1], QueueAction::Retry).await;
    backend
        .bring_forward(Duration::from_secs(20))
        .await
        .unwrap();
    let are_due = async |all: [i64; 3]| {
        for (id, at) in ids.into_iter().zip(all) {
            let found = backend.find(id).await.unwrap().unwrap();
            assert_eq!(found.status, due(at));
        }
    };
    are_due([THEN, 5 - 20, THEN + 30]).await;
    for action in [QueueAction::Hold, QueueAction::Release] {
        for id in ids {
            change(&*backend, id, action).await;
        }
    }
    are_due([THEN, 5 - 20, THEN]).await;
}
