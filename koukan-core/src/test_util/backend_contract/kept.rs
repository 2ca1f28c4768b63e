//! New transactions that are written with the end of a lease: all or none.

use std::time::Duration;

use futures_util::future::join_all;

use crate::{
    blob::BlobId,
    storage::{
        Backend, BackendError, EventQuery, Retention,
        record::{
            BlobContent, EventKind, Leased, MessageKey, NewBody, NewTransaction, SessionId,
            Settlement, Standing, TransactionId,
        },
    },
};

use super::{
    BackendFixture, ReplicaFixture,
    sample::{attempt, delivered, due, inline, lease_one, plain, read, settlement, stored, time},
};

/// The end of a lease, with these.
fn end_with(leased: &Leased, session: SessionId, kept: &[&NewTransaction]) -> Settlement {
    Settlement {
        kept: kept.iter().map(|&new| new.clone()).collect(),
        ..settlement(leased, session, 5, delivered())
    }
}

/// Parts of the attempt at a transaction, which refer to its blob.
fn parts(whole: &NewTransaction) -> [NewTransaction; 2] {
    let message_key = Some(MessageKey::random());
    let body = whole.body.as_ref().unwrap();
    let (blob, len) = (body.blob, body.len);
    [due(60), due(0)].map(|status| NewTransaction {
        body: Some(stored(blob, len)),
        message_key,
        attempts: vec![attempt(3)],
        status,
        ..plain()
    })
}

async fn is_there(backend: &dyn Backend, id: TransactionId) -> bool {
    backend.find(id).await.unwrap().is_some()
}

/// What comes with the end of a lease is written with it: what waits, and what is leased. It may refer to the blob of the
/// transaction that ends, and to one that comes with the first of them. All of it is there after a restart.
pub async fn settles_with_new_transactions(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let whole = plain();
    backend.insert(whole.clone()).await.unwrap();
    let (session, leased) = lease_one(&*backend, 0).await;
    let [later, now] = parts(&whole);
    let body = inline(b"\r\nanother\r\n");
    let active = NewTransaction {
        body: Some(body.clone()),
        leased_by: Some(session),
        ..plain()
    };
    let beside = NewTransaction {
        body: Some(NewBody {
            content: BlobContent::Stored,
            ..body
        }),
        status: due(90),
        ..plain()
    };
    let kept = [&later, &now, &active, &beside];
    backend
        .settle(end_with(&leased, session, &kept))
        .await
        .unwrap();
    let census = backend.census().await.unwrap();
    assert_eq!((census.leased, census.waiting, census.finished), (1, 3, 1));
    if backend.keeps_events() {
        let query = EventQuery {
            limit: 100,
            ..EventQuery::default()
        };
        let page = backend.events(query).await.unwrap();
        let events = page.events.iter().map(|kept| &kept.event);
        let queued = events.filter(|event| event.kind == EventKind::Queued);
        let queued: Vec<_> = queued.map(|event| event.transaction).collect();
        let expected = [&whole, &later, &now, &active, &beside];
        assert_eq!(queued, expected.map(|new| new.id));
    }
    // Nothing refers to the blob of the whole but they.
    let retention = Retention::default().with_orphaned(Duration::ZERO);
    backend.collect_garbage(time(30), retention).await.unwrap();
    backend.release(active.id, session, 1).await.unwrap();
    drop(backend);

    let backend = fixture.open().await;
    let found = backend.find(whole.id).await.unwrap().unwrap();
    assert_eq!((found.status, found.attempt_count), (delivered(), 1));
    for new in kept {
        let found = backend.find(new.id).await.unwrap().unwrap();
        assert_eq!(found.status, new.status);
        assert_eq!(found.message_key, new.message_key);
        assert_eq!(found.attempt_count as usize, new.attempts.len());
        let body = found.body.unwrap();
        read(&*backend, body.blob, body.len).await;
    }
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    let leased = backend.lease_due(session, time(0), Standing::Clear, 9, &[]);
    let mut leased: Vec<_> = leased.await.unwrap();
    leased.sort_by_key(|leased| leased.transaction.id == now.id);
    let ids: Vec<_> = leased.iter().map(|leased| leased.transaction.id).collect();
    assert_eq!(ids, [active.id, now.id]);
}

/// If the lease is lost, or one of the new transactions cannot be written, nothing is, and leases remain.
pub async fn settles_with_new_transactions_or_not_at_all(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    let wholes = [plain(), plain()];
    for whole in &wholes {
        backend.insert(whole.clone()).await.unwrap();
    }
    let there = NewTransaction {
        status: due(500),
        ..plain()
    };
    backend.insert(there.clone()).await.unwrap();
    let leased = backend.lease_due(session, time(0), Standing::Clear, 9, &[]);
    let mut leased = leased.await.unwrap();
    leased.sort_by_key(|leased| leased.transaction.id != wholes[0].id);
    let [first, second] = leased.try_into().expect("two are due");
    let [one, other] = parts(&wholes[0]);
    let whole = end_with(&first, session, &[&one, &other]);

    let old = Settlement {
        fence: whole.fence + 1,
        ..whole.clone()
    };
    let of_nobody = Settlement {
        session: SessionId::random(),
        ..whole.clone()
    };
    let mut lost_together = whole.clone();
    let mut lost = settlement(&second, session, 5, delivered());
    lost.fence += 1;
    lost_together.together.push(lost);
    for end in [old, of_nobody, lost_together] {
        let result = backend.settle(end).await;
        assert!(matches!(result, Err(BackendError::LeaseLost)), "{result:?}");
    }
    let without_blob = NewTransaction {
        body: Some(stored(BlobId::random(), 5)),
        ..plain()
    };
    let result = backend
        .settle(end_with(&first, session, &[&one, &without_blob]))
        .await;
    let is_missing = matches!(result, Err(BackendError::NoSuchBlob));
    assert!(is_missing, "{result:?}");
    for bad in [&there, &one] {
        let result = backend
            .settle(end_with(&first, session, &[&one, bad]))
            .await;
        assert!(matches!(result, Err(BackendError::Failed(_))), "{result:?}");
    }
    for whole in &wholes {
        let found = backend.find(whole.id).await.unwrap().unwrap();
        assert_eq!((found.status, found.attempt_count), (due(0), 0));
    }
    for new in [&one, &other, &without_blob] {
        assert!(!is_there(&*backend, new.id).await);
    }
    assert_eq!(backend.census().await.unwrap().leased, 2);

    // With the notification, and with the end of another.
    let notification = plain();
    let mut end = whole;
    end.notification = Some(Box::new(notification.clone()));
    let third = plain();
    end.together.push(end_with(&second, session, &[&third]));
    backend.settle(end.clone()).await.unwrap();
    for new in [&notification, &one, &other, &third] {
        assert!(is_there(&*backend, new.id).await);
    }
    // Repeated after its answer was lost. What it has written may be worked on by then.
    let leased = backend.lease(other.id, session, None).await.unwrap();
    let result = backend.settle(end).await;
    assert!(matches!(result, Err(BackendError::LeaseLost)), "{result:?}");
    let leased = settlement(&leased.unwrap(), session, 9, delivered());
    backend.settle(leased).await.unwrap();
}

/// Of concurrent ends of a lease, only what comes with the one that succeeds is written. Other writes are not affected.
pub async fn settles_one_of_many_with_new_transactions(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let wholes: Vec<_> = (0..5).map(|_| plain()).collect();
    for whole in &wholes {
        backend.insert(whole.clone()).await.unwrap();
    }
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    let leased = backend.lease_due(session, time(0), Standing::Clear, 9, &[]);
    let leased = leased.await.unwrap();
    let kept = leased.iter().flat_map(|leased| {
        let is_it = |whole: &&NewTransaction| whole.id == leased.transaction.id;
        let whole = wholes.iter().find(is_it).unwrap();
        [parts(whole), parts(whole)].map(|parts| (leased, parts))
    });
    let kept: Vec<_> = kept.collect();
    let ends = kept.iter().map(|(leased, [one, other])| async {
        let inserted = backend.insert(plain()).await;
        let end = end_with(leased, session, &[one, other]);
        (inserted, backend.settle(end).await)
    });
    let results = join_all(ends).await;
    for (two, results) in kept.chunks(2).zip(results.chunks(2)) {
        let is_settled = |(inserted, settled): &(Result<(), BackendError>, _)| {
            assert!(inserted.is_ok(), "{inserted:?}");
            let is_lost = matches!(settled, Err(BackendError::LeaseLost));
            assert!(is_lost || settled.is_ok(), "{settled:?}");
            !is_lost
        };
        let settled: Vec<_> = results.iter().map(is_settled).collect();
        assert_eq!(settled.iter().filter(|is_settled| **is_settled).count(), 1);
        for ((_, parts), is_settled) in two.iter().zip(settled) {
            for part in parts {
                assert_eq!(is_there(&*backend, part.id).await, is_settled);
            }
        }
    }
    let census = backend.census().await.unwrap();
    assert_eq!((census.leased, census.waiting, census.finished), (0, 20, 5));
}

/// A dead session writes nothing with the end of a lease that is lost.
pub async fn keeps_nothing_for_a_dead_session(fixture: &dyn ReplicaFixture) {
    let (one, other) = (fixture.join().await, fixture.join().await);
    let dead = SessionId::random();
    one.open_session(dead, time(0)).await.unwrap();
    let whole = plain();
    one.insert(whole.clone()).await.unwrap();
    let leased = one.lease(whole.id, dead, None).await.unwrap().unwrap();
    let term = one.session_term().expect("what is shared has a term");
    fixture.pass(term + term / 4).await;
    let heir = SessionId::random();
    other.open_session(heir, time(0)).await.unwrap();
    other.refresh_session(heir, time(0)).await.unwrap();
    let [waiting, mut active] = parts(&whole);
    active.leased_by = Some(dead);
    for kept in [&waiting, &active] {
        let result = one.settle(end_with(&leased, dead, &[kept])).await;
        let is_lost = matches!(
            result,
            Err(BackendError::LeaseLost | BackendError::SessionLost)
        );
        assert!(is_lost, "{result:?}");
        assert!(!is_there(&*one, kept.id).await);
    }
    let taken = other.lease_due(heir, time(0), Standing::Suspect, 9, &[]);
    let [taken] = taken.await.unwrap().try_into().expect("it is due");
    let end = end_with(&taken, heir, &[&waiting]);
    other.settle(end).await.unwrap();
    assert!(is_there(&*one, waiting.id).await);
}
