//! What was inserted is found.

use crate::{
    path::ReversePath,
    storage::{
        BackendError, Census, QueueDepth,
        record::{NewTransaction, SessionId, Standing, Status, StoredTransaction, Terms},
    },
    transaction::Mail,
};

use super::{
    BackendFixture,
    sample::{delivered, due, plain, read, rich, time},
};

/// Every field of a transaction comes back as it was written, also after a restart.
pub async fn finds_what_was_inserted(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let null = NewTransaction {
        mail: Mail::new(ReversePath::Null),
        ..plain()
    };
    let transactions = [plain(), null, rich()];
    for new in &transactions {
        backend.insert(new.clone()).await.unwrap();
        let found = backend.find(new.id).await.unwrap();
        assert_same(new, &found.unwrap());
    }
    drop(backend);

    let backend = fixture.open().await;
    for new in &transactions {
        let found = backend.find(new.id).await.unwrap();
        assert_same(new, &found.unwrap());
    }
    let body = rich().body.unwrap();
    let stored = transactions[2].body.as_ref().unwrap();
    let octets = read(&*backend, stored.blob, body.len).await;
    assert_eq!(octets, b"\r\n\0\xff not UTF-8 \xfe\r\n");
}

fn assert_same(new: &NewTransaction, found: &StoredTransaction) {
    assert_eq!(found.id, new.id);
    assert_eq!(found.created, new.created);
    assert_eq!(found.context, new.context);
    assert_eq!(found.signals, new.signals);
    assert_eq!(found.mail, new.mail);
    assert_eq!(found.recipients, new.recipients);
    let body = new.body.as_ref().unwrap();
    let found_body = found.body.as_ref().unwrap();
    assert_eq!(found_body.prefix, body.prefix);
    assert_eq!(found_body.blob, body.blob);
    assert_eq!(found_body.len, body.len);
    assert_eq!(found.message_key, new.message_key);
    assert_eq!(found.terms, new.terms);
    assert_eq!(found.attempt_count, new.attempts.len() as u32);
    assert_eq!(found.last_attempt.as_ref(), new.attempts.last());
    assert_eq!(found.status, new.status);
}

/// An identity that was never inserted is not found.
pub async fn finds_nothing_unknown(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    backend.insert(plain()).await.unwrap();
    assert!(backend.find(plain().id).await.unwrap().is_none());
}

/// The summary of a transaction that is over has no body and is never due.
pub async fn finds_a_summary_without_a_body(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let summary = NewTransaction {
        body: None,
        status: delivered(),
        ..rich()
    };
    backend.insert(summary.clone()).await.unwrap();
    let found = backend.find(summary.id).await.unwrap().unwrap();
    assert_eq!(found.body, None);
    assert_eq!(found.status, delivered());
    assert_eq!(backend.next_due(Standing::Clear, &[]).await.unwrap(), None);
}

/// Summaries are written together; one whose identity already exists is left out.
pub async fn finds_summaries_that_were_written_together(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let known = plain();
    backend.insert(known.clone()).await.unwrap();
    let summary = || NewTransaction {
        body: None,
        status: delivered(),
        idempotency_key: None,
        terms: Terms::default(),
        ..rich()
    };
    let mut summaries: Vec<_> = (0..100).map(|_| summary()).collect();
    summaries[50].id = known.id;
    backend.summarise(summaries.clone()).await.unwrap();
    for summary in &summaries {
        let found = backend.find(summary.id).await.unwrap().unwrap();
        if summary.id == known.id {
            assert_eq!(found.status, known.status);
            continue;
        }
        assert_eq!(found.status, delivered());
        assert_eq!(found.created, summary.created);
        assert_eq!(*found.context, *summary.context);
        assert_eq!(found.mail, summary.mail);
        assert_eq!(found.recipients, summary.recipients);
        assert_eq!(found.last_attempt.as_ref(), summary.attempts.last());
        assert_eq!((found.body, found.terms), (None, Terms::default()));
    }
    assert_eq!(backend.census().await.unwrap().finished, 99);
}

/// An identity that already exists is an error, and the existing transaction stays as it is.
pub async fn refuses_an_identity_twice(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let first = plain();
    let second = NewTransaction {
        id: first.id,
        ..rich()
    };
    backend.insert(first.clone()).await.unwrap();
    let refused = backend.insert(second).await;
    assert!(
        matches!(refused, Err(BackendError::Failed(_))),
        "{refused:?}"
    );
    let found = backend.find(first.id).await.unwrap().unwrap();
    assert_same(&first, &found);
}

/// Acknowledged writes, settlements included, are there after the process was killed.
pub async fn keeps_what_was_acknowledged(fixture: &dyn BackendFixture) {
    let mut ids = Vec::new();
    for round in 1..=3 {
        let backend = fixture.open().await;
        for _ in 0..10 {
            let new = plain();
            ids.push(new.id);
            backend.insert(new).await.unwrap();
        }
        for id in &ids {
            assert!(
                backend.find(*id).await.unwrap().is_some(),
                "round {round}: {id} is lost"
            );
        }
    }
}

/// Transactions are counted by what happens to them next.
pub async fn counts_by_what_is_to_happen(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    assert_eq!(backend.census().await.unwrap(), Census::default());
    let with = |status: Status| NewTransaction { status, ..plain() };
    for new in [
        with(due(0)),
        with(due(0)),
        with(due(9)),
        with(delivered()),
        with(due(0)),
    ] {
        backend.insert(new).await.unwrap();
    }
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    backend
        .lease_due(session, time(0), Standing::Clear, 2, &[])
        .await
        .unwrap();
    let census = Census {
        waiting: 2,
        leased: 2,
        finished: 1,
    };
    assert_eq!(backend.census().await.unwrap(), census);
    let depth = QueueDepth {
        due: 1,
        later: 1,
        active: 2,
        held: 0,
        oldest_due: Some(time(0)),
    };
    assert_eq!(backend.depth(time(5)).await.unwrap(), Some(depth));
    let late = backend.depth(time(9)).await.unwrap().unwrap();
    assert_eq!((late.due, late.later), (2, 0));
    let early = backend.depth(time(-1)).await.unwrap().unwrap();
    assert_eq!((early.due, early.later, early.oldest_due), (0, 2, None));
}
