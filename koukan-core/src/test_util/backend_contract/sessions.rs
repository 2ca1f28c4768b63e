//! Sessions that begin and die.

use std::time::Duration;

use crate::storage::{
    BackendError, Recovered, crash_back_off,
    record::{NewTransaction, SessionId, Standing},
};

use super::{
    BackendFixture,
    drafts::draft,
    sample::{attempt, delivered, due, lease_one, plain, settlement, time},
};

fn freed(freed: u64) -> Recovered {
    Recovered {
        freed,
        ..Recovered::default()
    }
}

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
    assert_eq!(backend.next_due(Standing::Clear, &[]).await.unwrap(), None);
    let leased = backend
        .lease_due(session, time(9), Standing::Clear, 10, &[])
        .await
        .unwrap();
    assert!(leased.is_empty());

    backend.release(new.id, session, 1).await.unwrap();
    let leased = backend
        .lease_due(session, time(9), Standing::Clear, 10, &[])
        .await
        .unwrap();
    assert_eq!(leased[0].fence, 2);
}

/// A session that begins frees the leases of dead processes' sessions, and nothing else.
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
    let leased = backend
        .lease_due(dead, time(0), Standing::Clear, 1, &[])
        .await
        .unwrap();
    let [lost] = leased.try_into().expect("one is leased");
    let census = backend.census().await.unwrap();
    assert_eq!((census.leased, census.waiting), (2, 1));
    let sibling = SessionId::random();
    let recovered = backend.open_session(sibling, time(0)).await.unwrap();
    assert_eq!(recovered, freed(0));
    assert_eq!(backend.census().await.unwrap(), census);
    drop(backend);

    let backend = fixture.open().await;
    let session = SessionId::random();
    let recovered = backend.open_session(session, time(5)).await.unwrap();
    assert_eq!(recovered, freed(2));
    let end = settlement(&lost, dead, 5, due(60));
    assert!(matches!(
        backend.settle(end).await,
        Err(BackendError::LeaseLost)
    ));
    let suspects = backend.lease_due(session, time(5), Standing::Suspect, 10, &[]);
    let suspects = suspects.await.unwrap();
    assert_eq!(suspects.len(), 2, "what was freed is due at once");
    let clear = backend.lease_due(session, time(5), Standing::Clear, 10, &[]);
    let leased = [suspects, clear.await.unwrap()].concat();
    assert_eq!(leased.len(), 3);
    let again = leased
        .iter()
        .find(|leased| leased.transaction.id == lost.transaction.id);
    assert!(again.unwrap().fence > lost.fence);
    assert!(leased.iter().any(|leased| leased.transaction.id == held.id));
}

/// A transaction that was leased in crash after crash is due at once four times, and then ever
/// later.
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
        assert_eq!(recovered, freed(1));
        assert_eq!(backend.next_due(Standing::Clear, &[]).await.unwrap(), None);
        let next = backend
            .next_due(Standing::Suspect, &[])
            .await
            .unwrap()
            .unwrap();
        if wait == 0 {
            assert!(next <= time(now), "crash {crashes}: due at {next}");
        } else {
            assert_eq!(next, time(now + wait), "crash {crashes}");
        }
        now += wait;
        let leased = backend.lease_due(session, time(now), Standing::Suspect, 1, &[]);
        let leased = leased.await.unwrap();
        assert_eq!(leased.len(), 1);
        assert_eq!(leased[0].transaction.attempt_count, 0);
        assert_eq!(leased[0].transaction.crashes, crashes);
        let found = backend.find(new.id).await.unwrap().unwrap();
        assert_eq!(found.crashes, crashes);
    }
}

/// An attempt that ends shows that the transaction does not crash the process.
pub async fn forgets_crashes_after_an_attempt(fixture: &dyn BackendFixture) {
    let new = plain();
    let id = new.id;
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
    let found = backend.find(id).await.unwrap().unwrap();
    assert_eq!(found.crashes, 0);
    drop(backend);
    let backend = fixture.open().await;
    lease_one(&*backend, 0).await;
    drop(backend);
    let backend = fixture.open().await;
    lease_one(&*backend, 0).await;
}

/// A transaction that was leased in a crash is leased only as a suspect until an attempt at it ends;
/// those in few crashes come first.
pub async fn tells_suspects_from_others(fixture: &dyn BackendFixture) {
    let new = [plain(), plain(), plain()];
    let backend = fixture.open().await;
    for new in &new[..2] {
        backend.insert(new.clone()).await.unwrap();
    }
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    for new in &new[..2] {
        let leased = backend.lease(new.id, session, None).await.unwrap();
        assert!(leased.is_some());
    }
    drop(backend);

    // The first was in one crash more than the second; the third in none.
    let backend = fixture.open().await;
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    backend.insert(new[2].clone()).await.unwrap();
    backend.lease(new[0].id, session, None).await.unwrap();
    drop(backend);
    let backend = fixture.open().await;
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    assert_eq!(backend.census().await.unwrap().waiting, 3);
    for (standing, expected) in [
        (Standing::Suspect, Some(&new[1])),
        (Standing::Suspect, Some(&new[0])),
        (Standing::Suspect, None),
        (Standing::Clear, Some(&new[2])),
        (Standing::Clear, None),
    ] {
        let leased = backend.lease_due(session, time(0), standing, 1, &[]);
        let leased = leased.await.unwrap().pop();
        let found = leased.as_ref().map(|leased| leased.transaction.id);
        assert_eq!(found, expected.map(|new| new.id));
        let Some(leased) = leased else { continue };
        if leased.transaction.id == new[1].id {
            let end = settlement(&leased, session, 0, due(30));
            backend.settle(end).await.unwrap();
        }
    }
    assert_eq!(
        backend.next_due(Standing::Suspect, &[]).await.unwrap(),
        None
    );
    let next = backend.next_due(Standing::Clear, &[]).await.unwrap();
    assert_eq!(next, Some(time(30)));
}

/// Everything that is not final can be made due earlier, including leased transactions.
pub async fn brings_forward_what_is_due(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    let new = NewTransaction {
        status: due(1000),
        ..plain()
    };
    let over = NewTransaction {
        status: delivered(),
        ..plain()
    };
    let leased = NewTransaction {
        leased_by: Some(session),
        status: due(900),
        ..plain()
    };
    for new in [&new, &over, &leased, &draft(2000)] {
        backend.insert(new.clone()).await.unwrap();
    }
    let by = Duration::from_secs(600);
    backend.bring_forward(by).await.unwrap();
    let next = backend.next_due(Standing::Clear, &[]).await.unwrap();
    assert_eq!(next, Some(time(400)));
    backend.release(leased.id, session, 1).await.unwrap();
    let next = backend.next_due(Standing::Clear, &[]).await.unwrap();
    assert_eq!(next, Some(time(300)));
    let found = backend.find(over.id).await.unwrap().unwrap();
    assert_eq!(found.status, delivered());
    let all = backend.lease_due(session, time(1400), Standing::Clear, 10, &[]);
    assert_eq!(all.await.unwrap().len(), 3);
}

/// A session that begins at a time before the recorded ones makes everything due earlier.
pub async fn notes_a_clock_that_was_set_back(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    let attempted = NewTransaction {
        attempts: vec![attempt(3000)],
        status: due(3300),
        ..plain()
    };
    backend.insert(attempted).await.unwrap();
    let recovered = backend.open_session(SessionId::random(), time(2995)).await;
    assert_eq!(recovered.unwrap(), freed(0), "within what is tolerated");
    let recovered = backend.open_session(SessionId::random(), time(2000)).await;
    let by = recovered.unwrap().brought_forward;
    assert_eq!(by, Duration::from_secs(1000));
    let next = backend.next_due(Standing::Clear, &[]).await.unwrap();
    assert_eq!(next, Some(time(2300)));
}

/// A backend that works says so.
pub async fn answers_a_probe(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    backend.probe().await.unwrap();
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    let census = backend.census().await.unwrap();
    backend.probe().await.unwrap();
    assert_eq!(backend.census().await.unwrap(), census);
}
