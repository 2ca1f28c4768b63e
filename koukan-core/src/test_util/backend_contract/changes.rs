use crate::{
    reply::Reply,
    storage::{
        Backend, Listing, QueueState, Search,
        record::{
            Change, Judged, NewTransaction, QueueAction, Recipient, SessionId, Skipped, Standing,
            TransactionId, Work,
        },
    },
};

use super::{
    BackendFixture,
    sample::{delivered, due, plain, recipient, settlement, time},
};

/// The time of the changes.
const NOW: i64 = 100;

async fn change(
    backend: &dyn Backend,
    ids: &[TransactionId],
    action: QueueAction,
    is_dry: bool,
) -> Vec<Judged> {
    let change = Change {
        ids: ids.to_vec(),
        action,
        now: time(NOW),
        is_dry,
    };
    backend.change(change).await.unwrap()
}

async fn insert(backend: &dyn Backend, at: i64) -> TransactionId {
    let new = NewTransaction {
        status: due(at),
        ..plain()
    };
    let id = new.id;
    backend.insert(new).await.unwrap();
    id
}

async fn selected(backend: &dyn Backend, state: QueueState) -> Vec<TransactionId> {
    let listing = Listing {
        sender: None,
        state: Some(state),
        search: Search::default(),
        before: None,
        limit: 100,
    };
    let places = backend.select(listing.clone()).await.unwrap();
    let listed = backend.list(listing).await.unwrap();
    let listed: Vec<_> = listed.into_iter().map(|listed| listed.id).collect();
    let selected: Vec<_> = places.into_iter().map(|place| place.id).collect();
    assert_eq!(selected, listed);
    selected
}

async fn leased(backend: &dyn Backend, session: SessionId, now: i64) -> Vec<TransactionId> {
    let leased = backend.lease_due(session, time(now), Standing::Clear, 10, &[]);
    let leased = leased.await.unwrap().into_iter();
    leased.map(|leased| leased.transaction.id).collect()
}

/// A retry makes transactions that wait for an attempt due at once, and nothing else.
pub async fn retries_what_waits(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    let (first, later) = (insert(&*backend, 1).await, insert(&*backend, 1000).await);
    assert_eq!(leased(&*backend, session, 1).await, [first]);
    let unknown = TransactionId::random();
    let ids = [first, later, unknown];
    let verdicts = [
        (first, Err(Skipped::Active)),
        (later, Ok(1)),
        (unknown, Err(Skipped::Finished)),
    ];
    assert_eq!(
        change(&*backend, &ids, QueueAction::Retry, true).await,
        verdicts
    );
    assert!(leased(&*backend, session, NOW).await.is_empty());
    assert_eq!(
        change(&*backend, &ids, QueueAction::Retry, false).await,
        verdicts
    );
    let next = backend.next_due(Standing::Clear, &[]).await.unwrap();
    assert_eq!(next, Some(time(NOW)));
    assert_eq!(leased(&*backend, session, NOW).await, [later]);
}

/// What waits for one destination is selected by pages without gap or repetition, whatever else is in the queue. What is
/// scheduled there can be told apart.
pub async fn selects_what_waits_for_a_destination(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let (mut waiting, mut scheduled) = (Vec::new(), Vec::new());
    for number in 0..20 {
        let to = if number % 3 == 0 {
            "b@y.example"
        } else {
            "b@z.example"
        };
        let mut new = NewTransaction {
            created: time(number / 2),
            recipients: vec![recipient(to)],
            status: due(1000),
            ..plain()
        };
        if number % 4 == 0 {
            new.signals = new.signals.with_send_at(Some(time(1000)));
        }
        if to == "b@y.example" {
            waiting.push((new.created, new.id));
            scheduled.extend((number % 4 == 0).then_some(new.id));
        }
        backend.insert(new).await.unwrap();
    }
    waiting.sort_unstable();
    waiting.reverse();
    let held = waiting[2].1;
    change(&*backend, &[held], QueueAction::Hold, false).await;
    scheduled.retain(|id| *id != held);
    let mut listing = Listing {
        sender: None,
        state: Some(QueueState::Waiting),
        search: Search {
            destination: Some("y.example".into()),
            ..Search::default()
        },
        before: None,
        limit: 2,
    };
    let mut selected = Vec::new();
    loop {
        let places = backend.select(listing.clone()).await.unwrap();
        assert!(places.len() <= 2);
        selected.extend(places.iter().map(|place| (place.created, place.id)));
        match places.last() {
            Some(last) => listing.before = Some(*last),
            None => break,
        }
    }
    assert_eq!(selected, waiting);
    listing.before = None;
    listing.limit = 100;
    listing.state = Some(QueueState::Scheduled);
    let places = backend.select(listing).await.unwrap().into_iter();
    let mut places: Vec<_> = places.map(|place| place.id).collect();
    places.sort_unstable();
    scheduled.sort_unstable();
    assert_eq!(places, scheduled);
}

/// What a change is about is told by the number of recipients that are not settled.
pub async fn counts_recipients_of_changes(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let settled = Recipient {
        settled: Some(Reply::message_accepted()),
        ..recipient("carol@example.com")
    };
    let new = NewTransaction {
        recipients: vec![
            recipient("bob@example.com"),
            settled,
            recipient("dan@example.com"),
        ],
        status: due(1000),
        ..plain()
    };
    let several = new.id;
    backend.insert(new).await.unwrap();
    let one = insert(&*backend, 1000).await;
    for action in QueueAction::ALL {
        let ids = [several, one];
        let expected = match action {
            QueueAction::Release => ids.map(|id| (id, Err(Skipped::NotHeld))),
            _ => [(several, Ok(2)), (one, Ok(1))],
        };
        assert_eq!(change(&*backend, &ids, action, true).await, expected);
    }
}

/// A held transaction is not leased for an attempt, also after a restart, and counts as waiting;
/// once released it is due.
pub async fn holds_until_it_is_released(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    let held = insert(&*backend, 1).await;
    let verdict = change(&*backend, &[held], QueueAction::Hold, false).await;
    assert_eq!(verdict, [(held, Ok(1))]);
    drop(backend);

    let backend = fixture.open().await;
    let session = SessionId::random();
    backend.open_session(session, time(1)).await.unwrap();
    assert!(leased(&*backend, session, 1000).await.is_empty());
    assert_eq!(backend.next_due(Standing::Clear, &[]).await.unwrap(), None);
    let lease = backend.lease(held, session, Some(Work::Attempt)).await;
    assert!(lease.unwrap().is_none());
    let found = backend.find(held).await.unwrap().unwrap();
    assert_eq!(found.held, Some(time(NOW)));
    for state in [
        QueueState::Held,
        QueueState::Waiting,
        QueueState::Unfinished,
    ] {
        assert_eq!(selected(&*backend, state).await, [held]);
    }
    assert_eq!(backend.census().await.unwrap().waiting, 1);
    for (action, skipped) in [
        (QueueAction::Hold, Skipped::Held),
        (QueueAction::Retry, Skipped::Held),
    ] {
        let verdict = change(&*backend, &[held], action, false).await;
        assert_eq!(verdict, [(held, Err(skipped))]);
    }
    let verdict = change(&*backend, &[held], QueueAction::Release, false).await;
    assert_eq!(verdict, [(held, Ok(1))]);
    assert!(selected(&*backend, QueueState::Held).await.is_empty());
    assert_eq!(leased(&*backend, session, NOW).await, [held]);
}

/// A transaction that is held during an attempt waits after it, and can still be ended under a
/// lease.
pub async fn holds_what_is_under_lease(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    let id = insert(&*backend, 1).await;
    let lease = || async { backend.lease(id, session, None).await.unwrap().unwrap() };
    let first = lease().await;
    change(&*backend, &[id], QueueAction::Hold, false).await;
    assert!(selected(&*backend, QueueState::Held).await.is_empty());
    assert_eq!(selected(&*backend, QueueState::Active).await, [id]);
    let deferred = settlement(&first, session, 2, due(2));
    backend.settle(deferred).await.unwrap();
    assert_eq!(selected(&*backend, QueueState::Held).await, [id]);
    assert!(leased(&*backend, session, 1000).await.is_empty());
    let second = lease().await;
    let end = settlement(&second, session, 3, delivered());
    backend.settle(end).await.unwrap();
    let found = backend.find(id).await.unwrap().unwrap();
    assert_eq!(found.held, None);
    let verdict = change(&*backend, &[id], QueueAction::Release, false).await;
    assert_eq!(verdict, [(id, Err(Skipped::Finished))]);
}
