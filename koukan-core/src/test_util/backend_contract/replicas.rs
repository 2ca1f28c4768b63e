//! Several processes over one store.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::future::join_all;

use crate::storage::{
    Backend, BackendError, LiveSession, Recovered,
    record::{Commit, IdempotencyKey, NewTransaction, SessionId, Standing, TransactionId},
};

use super::sample::{delivered, due, plain, settlement, time};

/// Makes the backend under test, for properties of several processes that share a store.
#[async_trait]
pub trait ReplicaFixture: Send + Sync {
    /// The store as one more process sees it, in addition to the earlier ones; the first time it is
    /// empty.
    async fn join(&self) -> Arc<dyn Backend>;

    /// Waits for that long.
    async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

async fn session_on(backend: &dyn Backend) -> SessionId {
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    session
}

/// Waits for longer than a session lives without a refresh.
async fn outlast(fixture: &dyn ReplicaFixture, backend: &dyn Backend) {
    let term = backend.session_term();
    let term = term.expect("what is shared has a term");
    fixture.pass(term + term / 4).await;
}

/// The transactions of that standing that a session can lease at `time(0)`.
async fn lease_all(
    backend: &dyn Backend,
    session: SessionId,
    standing: Standing,
) -> Vec<TransactionId> {
    let leased = backend.lease_due(session, time(0), standing, 10, &[]).await;
    let leased = leased.unwrap().into_iter();
    leased.map(|leased| leased.transaction.id).collect()
}

/// A session that is refreshed keeps its leases, however long that takes.
pub async fn keeps_a_session_that_is_refreshed(fixture: &dyn ReplicaFixture) {
    let (one, other) = (fixture.join().await, fixture.join().await);
    let holder = session_on(&*one).await;
    let new = plain();
    one.insert(new.clone()).await.unwrap();
    let leased = one.lease(new.id, holder, None).await.unwrap().unwrap();
    let term = one.session_term().expect("what is shared has a term");
    for _ in 0..3 {
        fixture.pass(term / 2).await;
        let refreshed = one.refresh_session(holder, time(0)).await.unwrap();
        assert_eq!(refreshed.freed, 0);
        session_on(&*other).await;
    }
    assert_eq!(other.holder(new.id).await.unwrap(), Some(holder));
    let end = settlement(&leased, holder, 0, delivered());
    one.settle(end).await.unwrap();
    assert_eq!(other.holder(new.id).await.unwrap(), None);
}

/// The leases of a session that fell silent go to another session, and none of its later writes
/// succeeds.
pub async fn takes_over_from_a_silent_session(fixture: &dyn ReplicaFixture) {
    let (one, other) = (fixture.join().await, fixture.join().await);
    let silent = session_on(&*one).await;
    let new = plain();
    one.insert(new.clone()).await.unwrap();
    let leased = one.lease(new.id, silent, None).await.unwrap().unwrap();
    let heir = session_on(&*other).await;
    let term = one.session_term().expect("what is shared has a term");
    fixture.pass(term / 2).await;
    other.refresh_session(heir, time(0)).await.unwrap();
    assert!(lease_all(&*other, heir, Standing::Suspect).await.is_empty());
    fixture.pass(term * 3 / 4).await;
    let refreshed = other.refresh_session(heir, time(0)).await.unwrap();
    assert_eq!(refreshed.freed, 1);
    let taken = lease_all(&*other, heir, Standing::Suspect).await;
    assert_eq!(taken, [new.id]);

    let end = settlement(&leased, silent, 0, delivered());
    let settled = one.settle(end).await;
    assert!(matches!(settled, Err(BackendError::LeaseLost)));
    let released = one.release(new.id, silent, leased.fence).await;
    assert!(matches!(released, Err(BackendError::LeaseLost)));
    assert_eq!(one.holder(new.id).await.unwrap(), Some(heir));
}

/// A dead session leases nothing and cannot be refreshed; a new one can.
pub async fn gives_nothing_to_a_dead_session(fixture: &dyn ReplicaFixture) {
    let backend = fixture.join().await;
    let dead = session_on(&*backend).await;
    let waiting = plain();
    backend.insert(waiting.clone()).await.unwrap();
    outlast(fixture, &*backend).await;

    let refreshed = backend.refresh_session(dead, time(0)).await;
    assert!(matches!(refreshed, Err(BackendError::SessionLost)));
    let leased = backend.lease_due(dead, time(9), Standing::Clear, 10, &[]);
    assert!(matches!(leased.await, Err(BackendError::SessionLost)));
    let leased = backend.lease(waiting.id, dead, None).await;
    assert!(matches!(leased, Err(BackendError::SessionLost)));
    let new = NewTransaction {
        leased_by: Some(dead),
        ..plain()
    };
    let inserted = backend.insert(new.clone()).await;
    assert!(matches!(inserted, Err(BackendError::SessionLost)));
    assert!(backend.find(new.id).await.unwrap().is_none());

    let session = session_on(&*backend).await;
    let leased = lease_all(&*backend, session, Standing::Clear).await;
    assert_eq!(leased, [waiting.id]);
}

/// The leases of a session that ends are due for others at once, as before, and are not suspects.
pub async fn ends_a_session(fixture: &dyn ReplicaFixture) {
    let (one, other) = (fixture.join().await, fixture.join().await);
    let (ending, heir) = (session_on(&*one).await, session_on(&*other).await);
    let new = NewTransaction {
        leased_by: Some(ending),
        ..plain()
    };
    one.insert(new.clone()).await.unwrap();
    one.publish_address(ending, Some("http://one.example"))
        .await
        .unwrap();
    assert!(lease_all(&*other, heir, Standing::Clear).await.is_empty());
    one.end_session(ending).await.unwrap();
    assert_eq!(other.address_of(ending).await.unwrap(), None);
    assert_eq!(lease_all(&*other, heir, Standing::Clear).await, [new.id]);
    let refreshed = one.refresh_session(ending, time(0)).await;
    assert!(matches!(refreshed, Err(BackendError::SessionLost)));
}

/// The session that works on a transaction is told that it must be cancelled; if none does, all are
/// told.
pub async fn tells_what_is_to_be_cancelled(fixture: &dyn ReplicaFixture) {
    let (one, other) = (fixture.join().await, fixture.join().await);
    let (holder, asker) = (session_on(&*one).await, session_on(&*other).await);
    let new = plain();
    one.insert(new.clone()).await.unwrap();
    let leased = one.lease(new.id, holder, None).await.unwrap().unwrap();
    other.request_cancel(new.id).await.unwrap();
    let told = async |backend: &dyn Backend, session| {
        let refreshed = backend.refresh_session(session, time(0)).await;
        refreshed.unwrap().to_cancel
    };
    assert_eq!(told(&*one, holder).await, [new.id]);
    assert!(told(&*other, asker).await.is_empty());

    let end = settlement(&leased, holder, 0, due(60));
    one.settle(end).await.unwrap();
    assert_eq!(told(&*one, holder).await, [new.id]);
    assert_eq!(told(&*other, asker).await, [new.id]);

    let leased = other.lease(new.id, asker, None).await.unwrap().unwrap();
    let end = settlement(&leased, asker, 0, delivered());
    other.settle(end).await.unwrap();
    assert!(told(&*one, holder).await.is_empty());
    assert!(told(&*other, asker).await.is_empty());
    other.request_cancel(new.id).await.unwrap();
    assert!(told(&*one, holder).await.is_empty(), "it is over");
}

/// While it lives, a session publishes the address where it takes requests for its transactions.
pub async fn tells_addresses_of_sessions_that_live(fixture: &dyn ReplicaFixture) {
    let (one, other) = (fixture.join().await, fixture.join().await);
    let session = session_on(&*one).await;
    assert_eq!(other.address_of(session).await.unwrap(), None);
    for address in ["http://one.example:8000", "http://one.example:8001/x"] {
        one.publish_address(session, Some(address)).await.unwrap();
        let told = other.address_of(session).await.unwrap();
        assert_eq!(told.as_deref(), Some(address));
        let live = other.live_sessions().await.unwrap();
        let address = Some(address.into());
        assert_eq!(live, [LiveSession { session, address }]);
    }
    one.publish_address(session, None).await.unwrap();
    assert_eq!(other.address_of(session).await.unwrap(), None);
    let address = None;
    let live = other.live_sessions().await.unwrap();
    assert_eq!(live, [LiveSession { session, address }]);
    outlast(fixture, &*one).await;
    assert_eq!(other.address_of(session).await.unwrap(), None);
    assert_eq!(other.live_sessions().await.unwrap(), []);
    let published = one
        .publish_address(session, Some("http://one.example"))
        .await;
    assert!(matches!(published, Err(BackendError::SessionLost)));
}

/// Only one live session at a time reads events under a name, and only that one records the position.
pub async fn lets_one_session_read_under_a_name(fixture: &dyn ReplicaFixture) {
    let (one, other) = (fixture.join().await, fixture.join().await);
    let (first, second) = (session_on(&*one).await, session_on(&*other).await);
    assert_eq!(one.reader("r").await.unwrap(), None);
    let is_lost = |result| matches!(result, Err(BackendError::LeaseLost));
    assert!(is_lost(one.keep_cursor_of(("r", first), "c", 1).await));
    for _ in 0..2 {
        one.hold_reader("r", first).await.unwrap();
        assert!(is_lost(other.hold_reader("r", second).await));
    }
    other.hold_reader("another", second).await.unwrap();
    assert_eq!(other.reader("r").await.unwrap(), Some(first));
    one.keep_cursor_of(("r", first), "c", 7).await.unwrap();
    assert!(is_lost(other.keep_cursor_of(("r", second), "c", 8).await));
    assert_eq!(other.cursor("c").await.unwrap(), Some(7));

    one.end_session(first).await.unwrap();
    assert_eq!(other.reader("r").await.unwrap(), None);
    assert!(is_lost(one.hold_reader("r", first).await));
    other.hold_reader("r", second).await.unwrap();
    assert!(is_lost(one.keep_cursor_of(("r", first), "c", 9).await));
    other.keep_cursor_of(("r", second), "c", 8).await.unwrap();
    assert_eq!(one.cursor("c").await.unwrap(), Some(8));

    // When it falls silent, the next session gets the name.
    outlast(fixture, &*other).await;
    let heir = session_on(&*one).await;
    one.hold_reader("r", heir).await.unwrap();
    assert!(is_lost(other.keep_cursor_of(("r", second), "c", 9).await));
    assert_eq!(one.cursor("c").await.unwrap(), Some(8));
}

/// A session that is refreshed is told how many sessions live.
pub async fn tells_how_many_live(fixture: &dyn ReplicaFixture) {
    let (one, other) = (fixture.join().await, fixture.join().await);
    let session = session_on(&*one).await;
    let live = async || one.refresh_session(session, time(0)).await.unwrap().live;
    assert_eq!(live().await, 1);
    let another = session_on(&*other).await;
    assert_eq!(live().await, 2);
    other.end_session(another).await.unwrap();
    assert_eq!(live().await, 1);
}

/// Of messages of several transactions that are written by several processes at the same time, each with the same
/// idempotency key, one is there in the end, and whoever wrote the others is told of it.
pub async fn commits_one_of_several_with_one_key(fixture: &dyn ReplicaFixture) {
    const ROUNDS: usize = 20;
    const KEYS: usize = 10;
    let backends = [fixture.join().await, fixture.join().await];
    for round in 0..ROUNDS {
        let keys = (0..KEYS).map(|key| format!("key {round} {key}"));
        let keys: Vec<_> = keys.collect();
        let commits = backends
            .iter()
            .flat_map(|backend| keys.iter().map(move |key| commit_keyed(&**backend, key)));
        let committed = join_all(commits).await;
        for key in &keys {
            let of_key = committed.iter().filter(|(of, ..)| of == key);
            let of_key: Vec<_> = of_key.collect();
            let winners = of_key.iter().filter(|(_, _, outcome)| outcome.is_ok());
            let winners: Vec<_> = winners.map(|(_, ids, _)| ids[0]).collect();
            assert_eq!(winners.len(), 1, "{of_key:?}");
            for (_, ids, outcome) in of_key {
                match outcome {
                    Ok(()) => {}
                    Err(BackendError::Repeated(first)) => assert_eq!(*first, winners[0]),
                    Err(error) => panic!("{error:?} of {key}"),
                }
                for id in ids {
                    let is_there = backends[1].find(*id).await.unwrap().is_some();
                    assert_eq!(is_there, outcome.is_ok());
                }
            }
        }
    }
}

/// Writes a message of three transactions, of which the first has a key. Returns the key, and their identities.
async fn commit_keyed(
    backend: &dyn Backend,
    key: &str,
) -> (String, Vec<TransactionId>, Result<(), BackendError>) {
    let mut message = [plain(), plain(), plain()];
    message[0].idempotency_key = Some(IdempotencyKey::from(key));
    let ids = message.iter().map(|one| one.id).collect();
    let together = message.into_iter().map(Commit::Insert).collect();
    (key.to_owned(), ids, backend.commit(together).await)
}

/// Processes whose clocks differ by an hour do not disturb each other.
pub async fn goes_by_its_own_clock(fixture: &dyn ReplicaFixture) {
    let (one, other) = (fixture.join().await, fixture.join().await);
    let shown = async |backend: &dyn Backend, told| {
        let session = SessionId::random();
        let recovered = backend.open_session(session, told).await.unwrap();
        assert_eq!(recovered, Recovered::default());
        let refreshed = backend.refresh_session(session, told).await.unwrap();
        refreshed.time.expect("what is shared has a clock")
    };
    let ahead = shown(&*one, time(3600)).await;
    let behind = shown(&*other, time(-3600)).await;
    let between = behind.duration_since(ahead).unsigned_abs();
    assert!(between < Duration::from_secs(60), "{ahead} and {behind}");
}
