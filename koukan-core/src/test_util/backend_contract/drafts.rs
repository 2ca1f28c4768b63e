//! Transactions whose message is not complete yet.

use std::{collections::HashSet, sync::Arc};

use crate::{
    blob::BlobId,
    context::{Context, Sender},
    storage::{
        Backend, BackendError,
        record::{
            Due, FinalReason, IdempotencyKey, NewTransaction, SessionId, Settlement, Standing,
            Status, Work,
        },
    },
};

use super::{
    BackendFixture,
    sample::{due, inline, lease_one, plain, read, rich, settlement, stored, time},
};

/// A draft to be given up at `time(seconds)`, without a body.
pub(super) fn draft(seconds: i64) -> NewTransaction {
    NewTransaction {
        body: None,
        status: Status::Due(Due {
            at: time(seconds),
            work: Work::Abandon,
        }),
        ..plain()
    }
}

/// The completed form of a draft.
fn completed(draft: &NewTransaction) -> NewTransaction {
    NewTransaction {
        id: draft.id,
        context: Arc::clone(&draft.context),
        ..plain()
    }
}

fn assert_no_draft(result: Result<(), BackendError>) {
    assert!(matches!(result, Err(BackendError::NotDraft)), "{result:?}");
}

/// A completed draft equals the new transaction, except for its time of creation and its
/// idempotency key; also after a restart.
pub async fn completes_a_draft(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let draft = NewTransaction {
        idempotency_key: Some(IdempotencyKey::from("the draft's")),
        context: rich().context,
        ..draft(50)
    };
    backend.insert(draft.clone()).await.unwrap();
    let found = backend.find(draft.id).await.unwrap().unwrap();
    assert_eq!((found.body, found.status), (None, draft.status.clone()));
    let whole = NewTransaction {
        id: draft.id,
        created: time(7),
        status: due(9),
        ..rich()
    };
    backend.complete(whole.clone()).await.unwrap();
    drop(backend);

    let backend = fixture.open().await;
    let found = backend.find(draft.id).await.unwrap().unwrap();
    assert_eq!(found.created, draft.created);
    assert_eq!(found.context, whole.context);
    assert_eq!(found.mail, whole.mail);
    assert_eq!(found.recipients, whole.recipients);
    assert_eq!(found.terms, whole.terms);
    assert_eq!(found.attempt_count, 2);
    assert_eq!(found.last_attempt.as_ref(), whole.attempts.last());
    assert_eq!(found.status, due(9));
    let body = found.body.unwrap();
    let octets = read(&*backend, body.blob, body.len).await;
    assert_eq!(octets, b"\r\n\0\xff not UTF-8 \xfe\r\n");
    let again = NewTransaction {
        id: plain().id,
        ..draft
    };
    let again = backend.insert(again).await;
    assert!(matches!(again, Err(BackendError::Repeated(id)) if id == whole.id));
    let (_, leased) = lease_one(&*backend, 9).await;
    assert_eq!(leased.transaction.status, due(9));
    assert_eq!(backend.census().await.unwrap().waiting, 0);
}

/// A draft can be completed under lease, with fencing token 1.
pub async fn completes_under_lease(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    let draft = draft(0);
    backend.insert(draft.clone()).await.unwrap();
    let whole = NewTransaction {
        leased_by: Some(session),
        ..completed(&draft)
    };
    backend.complete(whole).await.unwrap();
    assert_eq!(backend.next_due(Standing::Clear, &[]).await.unwrap(), None);
    let leased = backend
        .lease_due(session, time(9), Standing::Clear, 10, &[])
        .await
        .unwrap();
    assert!(leased.is_empty());
    backend.release(draft.id, session, 1).await.unwrap();
    let (_, leased) = lease_one(&*backend, 9).await;
    assert_eq!(leased.fence, 2);
}

/// A transaction that is not a draft, or no longer one, cannot be completed, and stays as it is.
pub async fn refuses_to_complete_what_is_no_draft(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    assert_no_draft(backend.complete(plain()).await);
    let whole = plain();
    let final_one = NewTransaction {
        status: Status::Final(FinalReason::Cancelled),
        ..plain()
    };
    let of_another = draft(100);
    let done = draft(100);
    for new in [&whole, &final_one, &of_another, &done] {
        backend.insert(new.clone()).await.unwrap();
    }
    assert_no_draft(backend.complete(completed(&whole)).await);
    assert_no_draft(backend.complete(completed(&final_one)).await);
    let other = NewTransaction {
        context: Arc::new(Context::new(Sender::new("another"))),
        ..completed(&of_another)
    };
    assert_no_draft(backend.complete(other).await);
    let found = backend.find(of_another.id).await.unwrap().unwrap();
    assert_eq!((found.body, found.status), (None, of_another.status));
    backend.complete(completed(&done)).await.unwrap();
    let again = completed(&done);
    let body = again.body.clone().unwrap().blob;
    assert_no_draft(backend.complete(again).await);
    let found = backend.find(done.id).await.unwrap().unwrap();
    assert_ne!(found.body.unwrap().blob, body);
}

/// A draft that is or was under lease, or was given up, cannot be completed.
pub async fn refuses_to_complete_an_abandoned_draft(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let new = draft(20);
    backend.insert(new.clone()).await.unwrap();
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    let early = backend
        .lease_due(session, time(19), Standing::Clear, 10, &[])
        .await
        .unwrap();
    assert!(early.is_empty());
    let (session, leased) = lease_one(&*backend, 20).await;
    assert_eq!(leased.transaction.status, new.status);
    assert_eq!(leased.transaction.body, None);
    assert_no_draft(backend.complete(completed(&new)).await);
    let fence = leased.fence;
    backend.release(new.id, session, fence).await.unwrap();
    assert_no_draft(backend.complete(completed(&new)).await);

    let (session, leased) = lease_one(&*backend, 20).await;
    let reason = FinalReason::DownstreamTimeout;
    let end = Settlement {
        attempt: None,
        ..settlement(&leased, session, 0, Status::Final(reason))
    };
    backend.settle(end).await.unwrap();
    assert_no_draft(backend.complete(completed(&new)).await);
    let found = backend.find(new.id).await.unwrap().unwrap();
    assert_eq!(found.status, Status::Final(reason));
    assert_eq!((found.body, found.attempt_count), (None, 0));
    assert_eq!(backend.census().await.unwrap().finished, 1);
}

/// If the body cannot be written, the draft stays and can be completed later.
pub async fn keeps_a_draft_that_could_not_be_completed(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let draft = draft(50);
    backend.insert(draft.clone()).await.unwrap();
    let impossible = NewTransaction {
        body: Some(stored(BlobId::random(), 3)),
        ..completed(&draft)
    };
    let result = backend.complete(impossible).await;
    assert!(matches!(result, Err(BackendError::NoSuchBlob)));
    let found = backend.find(draft.id).await.unwrap().unwrap();
    assert_eq!((found.body, &found.status), (None, &draft.status));
    assert_eq!(
        backend.next_due(Standing::Clear, &[]).await.unwrap(),
        Some(time(50))
    );
    let whole = NewTransaction {
        body: Some(inline(b"there it is")),
        ..completed(&draft)
    };
    backend.complete(whole).await.unwrap();
    assert_eq!(
        backend.next_due(Standing::Clear, &[]).await.unwrap(),
        Some(time(0))
    );
}

/// Of several concurrent completions of one draft, one succeeds.
pub async fn completes_a_draft_only_once(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let draft = draft(50);
    backend.insert(draft.clone()).await.unwrap();
    let attempts = (0..10).map(|_| {
        let whole = completed(&draft);
        let blob = whole.body.as_ref().unwrap().blob;
        let backend = Arc::clone(&backend);
        tokio::spawn(async move { (blob, backend.complete(whole).await) })
    });
    let mut done = Vec::new();
    for attempt in attempts.collect::<Vec<_>>() {
        match attempt.await.unwrap() {
            (blob, Ok(())) => done.push(blob),
            (_, result) => assert_no_draft(result),
        }
    }
    let found = backend.find(draft.id).await.unwrap().unwrap();
    assert_eq!(done, [found.body.unwrap().blob]);
}

/// A draft that falls due while it is being completed is either completed or given up.
pub async fn completes_or_abandons(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    let drafts: Vec<_> = (0..60).map(|_| draft(0)).collect();
    for draft in &drafts {
        backend.insert(draft.clone()).await.unwrap();
    }
    let completions = drafts.iter().map(|draft| {
        let whole = NewTransaction {
            status: due(1000),
            ..completed(draft)
        };
        let backend = Arc::clone(&backend);
        tokio::spawn(async move { (whole.id, backend.complete(whole).await) })
    });
    let completions: Vec<_> = completions.collect();
    let mut abandoned = HashSet::new();
    loop {
        let leased = backend
            .lease_due(session, time(0), Standing::Clear, 3, &[])
            .await
            .unwrap();
        if leased.is_empty() {
            break;
        }
        abandoned.extend(leased.into_iter().map(|leased| leased.transaction.id));
    }
    for completion in completions {
        let (id, result) = completion.await.unwrap();
        if abandoned.contains(&id) {
            assert_no_draft(result);
        } else {
            result.unwrap();
        }
    }
    assert_waits(&*backend, 60 - abandoned.len()).await;
}

async fn assert_waits(backend: &dyn Backend, count: usize) {
    assert_eq!(backend.census().await.unwrap().waiting, count as u64);
}
