//! The records of attempts.

use std::{sync::Arc, time::Duration};

use crate::{
    reply::Speaker,
    storage::{
        Retention,
        record::{
            Attempt, Conversation, Due, NewTransaction, SessionId, Settlement, Spoken, Standing,
            Status, TransactionId, Work,
        },
    },
};

use super::{
    BackendFixture,
    sample::{attempt, delivered, due, lease_one, plain, rich, settlement, time},
};

/// Every attempt is kept, oldest first: those made before the transaction was written, and those
/// that settlements add.
pub async fn keeps_each_attempt(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let new = NewTransaction {
        status: due(0),
        attempts: vec![attempt(-20), attempt(-10)],
        ..rich()
    };
    let other = plain();
    backend.insert(new.clone()).await.unwrap();
    let mut expected = new.attempts.clone();
    for seconds in [0, 1] {
        let (session, leased) = lease_one(&*backend, seconds).await;
        let settlement = settlement(&leased, session, seconds, due(seconds + 1));
        expected.extend(settlement.attempt.clone());
        backend.settle(settlement).await.unwrap();
        let attempts = backend.attempts(new.id).await.unwrap();
        assert_eq!(attempts, expected);
    }
    backend.insert(other.clone()).await.unwrap();
    assert_eq!(backend.attempts(other.id).await.unwrap(), []);
    let nobody = backend.attempts(TransactionId::random()).await.unwrap();
    assert_eq!(nobody, []);
    drop(backend);

    let backend = fixture.open().await;
    assert_eq!(backend.attempts(new.id).await.unwrap(), expected);
    let found = backend.find(new.id).await.unwrap().unwrap();
    assert_eq!(found.attempt_count, 4);
    assert_eq!(found.last_attempt.as_ref(), expected.last());
}

/// An attempt whose settlement came too late is not kept.
pub async fn keeps_no_attempt_without_the_lease(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let new = plain();
    backend.insert(new.clone()).await.unwrap();
    let (session, leased) = lease_one(&*backend, 0).await;
    let late = settlement(&leased, session, 3, due(60));
    backend
        .release(new.id, session, leased.fence)
        .await
        .unwrap();
    assert!(backend.settle(late).await.is_err());
    assert_eq!(backend.attempts(new.id).await.unwrap(), []);
}

/// A write that replaces a draft brings all of its attempts, also if the result is a draft again.
pub async fn replaces_the_attempts_of_a_draft(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let draft = |attempts: &[Attempt]| NewTransaction {
        attempts: attempts.to_vec(),
        status: Status::Due(Due {
            at: time(60),
            work: Work::Abandon,
        }),
        ..plain()
    };
    let id = TransactionId::random();
    let several = [attempt(-30), attempt(-20), attempt(-10)];
    backend
        .insert(NewTransaction { id, ..draft(&[]) })
        .await
        .unwrap();
    for count in [1, 3, 3, 2] {
        let new = draft(&several[..count]);
        backend
            .complete(NewTransaction { id, ..new })
            .await
            .unwrap();
        assert_eq!(backend.attempts(id).await.unwrap(), several[..count]);
    }
    let whole = NewTransaction {
        id,
        status: due(0),
        ..draft(&several[..1])
    };
    backend.complete(whole).await.unwrap();
    let (session, leased) = lease_one(&*backend, 0).await;
    let end = settlement(&leased, session, 5, delivered());
    backend.settle(end).await.unwrap();
    let expected = [several[0].clone(), attempt(5)];
    assert_eq!(backend.attempts(id).await.unwrap(), expected);
}

/// Of a transaction that was never committed, the last attempt is kept. All attempts are removed with
/// their transaction.
pub async fn removes_attempts_with_their_transaction(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let summary = NewTransaction {
        body: None,
        status: delivered(),
        attempts: vec![attempt(0)],
        ..plain()
    };
    let kept = plain();
    backend.summarise(vec![summary.clone()]).await.unwrap();
    let attempts = backend.attempts(summary.id).await.unwrap();
    assert_eq!(attempts, summary.attempts);
    backend.insert(kept.clone()).await.unwrap();
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    let leased = backend.lease_due(session, time(0), Standing::Clear, 1, &[]);
    let leased = leased.await.unwrap().remove(0);
    let end = settlement(&leased, session, 5, delivered());
    backend.settle(end).await.unwrap();
    let retention = Retention {
        finished: Duration::from_secs(60),
        orphaned: Duration::from_secs(60),
        ..Retention::default()
    };
    for (seconds, left) in [(30, 1), (1000, 0)] {
        let collected = backend.collect_garbage(time(seconds), retention);
        collected.await.unwrap();
        for id in [summary.id, kept.id] {
            assert_eq!(backend.attempts(id).await.unwrap().len(), left);
            assert_eq!(backend.find(id).await.unwrap().is_some(), left > 0);
        }
    }
    assert_eq!(backend.census().await.unwrap().finished, 0);
}

/// The conversation is kept with each attempt, also for a transaction that was never committed.
pub async fn keeps_conversations(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let said = |at: i64, by, text: &str| Spoken {
        at: time(at),
        by,
        text: text.into(),
    };
    let conversation = Conversation {
        said: vec![
            said(-9, Speaker::Nobody, "connected"),
            said(
                -8,
                Speaker::Client,
                "MAIL FROM:<a@x>\r\nRCPT TO:<\"b \u{e4}\"@y>",
            ),
            said(-7, Speaker::Server, "250 ok\r\n550-no\r\n550 \u{fffd}"),
        ],
        left_out: 70_000,
    };
    let heard = Attempt {
        conversation: Some(Arc::new(conversation)),
        ..attempt(-5)
    };
    let attempts = vec![attempt(-9), heard.clone()];
    let queued = NewTransaction {
        attempts: attempts.clone(),
        ..plain()
    };
    let id = queued.id;
    backend.insert(queued).await.unwrap();
    assert_eq!(backend.attempts(id).await.unwrap(), attempts);
    let (session, leased) = lease_one(&*backend, 0).await;
    let again = Settlement {
        attempt: Some(heard.clone()),
        ..settlement(&leased, session, 0, due(9))
    };
    backend.settle(again).await.unwrap();
    let attempts = [attempt(-9), heard.clone(), heard.clone()];
    assert_eq!(backend.attempts(id).await.unwrap(), attempts);
    let over = NewTransaction {
        body: None,
        attempts: vec![heard.clone()],
        status: delivered(),
        ..plain()
    };
    let id = over.id;
    backend.summarise(vec![over]).await.unwrap();
    assert_eq!(backend.attempts(id).await.unwrap(), [heard]);
}
