//! A failure of one request must not affect others.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::time::Duration;

use futures_util::{FutureExt, future::join_all};
use koukan_core::storage::{
    BackendError, Blobs, Listing, Queue, Records, Search, Sessions,
    record::{Due, FinalReason, NewTransaction, SessionId, Standing, Status, Work},
};
use koukan_storage::SqliteBackend;
use tempfile::TempDir;

mod support;

use support::{now, tamper, transaction};

async fn open() -> (SqliteBackend, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    (SqliteBackend::open(path).await.unwrap(), directory)
}

#[tokio::test]
async fn an_insert_that_fails_fails_alone() {
    let (backend, directory) = open().await;
    let new: Vec<_> = (0..50).map(|_| transaction(100)).collect();
    let bad = new[20].id;
    let trigger = format!(
        "CREATE TRIGGER refuse BEFORE INSERT ON transactions WHEN NEW.id = '{bad}'
         BEGIN SELECT RAISE(ABORT, 'refused'); END"
    );
    tamper(&directory.path().join("queue.sqlite"), trigger).await;
    let inserts = new.iter().map(|new| backend.insert(new.clone()));
    for (new, result) in new.iter().zip(join_all(inserts).await) {
        let is_there = backend.find(new.id).await.unwrap().is_some();
        assert_eq!(result.is_ok(), new.id != bad, "{result:?}");
        assert_eq!(is_there, new.id != bad);
    }
    backend.insert(transaction(100)).await.unwrap();
}

#[tokio::test]
async fn a_completion_that_fails_fails_alone() {
    let (backend, directory) = open().await;
    let drafts: Vec<_> = (0..20).map(|_| draft()).collect();
    for draft in &drafts {
        backend.insert(draft.clone()).await.unwrap();
    }
    let bad = drafts[7].id;
    let trigger = format!(
        "CREATE TRIGGER refuse BEFORE UPDATE ON transactions WHEN NEW.id = '{bad}'
         BEGIN SELECT RAISE(ABORT, 'refused'); END"
    );
    tamper(&directory.path().join("queue.sqlite"), trigger).await;
    let session = SessionId::random();
    let others = async {
        backend.insert(transaction(100)).await.unwrap();
        let leased = backend.lease(drafts[8].id, session, None).await.unwrap();
        // The draft was completed in the same batch or an earlier one, since that request came
        // first.
        assert!(leased.is_some());
    };
    let completions = drafts.iter().map(|draft| {
        let whole = NewTransaction {
            id: draft.id,
            ..transaction(100)
        };
        backend.complete(whole)
    });
    let (results, ()) = tokio::join!(join_all(completions), others);
    for (draft, result) in drafts.iter().zip(results) {
        let found = backend.find(draft.id).await.unwrap().unwrap();
        assert_eq!(result.is_ok(), draft.id != bad, "{result:?}");
        assert_eq!(found.body.is_some(), draft.id != bad);
    }
}

#[tokio::test]
async fn a_transaction_that_cannot_be_read_is_neither_leased_nor_listed() {
    let (backend, directory) = open().await;
    let session = SessionId::random();
    backend.open_session(session, now()).await.unwrap();
    let [good, bad] = [transaction(100), transaction(100)];
    for new in [&good, &bad] {
        backend.insert(new.clone()).await.unwrap();
    }
    let path = directory.path().join("queue.sqlite");
    let damage = |kind| {
        let id = bad.id;
        format!("UPDATE transactions SET body_kind = {kind} WHERE id = '{id}'")
    };
    tamper(&path, damage("'something new'")).await;
    let leased = backend.lease(bad.id, session, None).await;
    assert!(matches!(leased, Err(BackendError::Malformed(_))));
    assert_eq!(backend.census().await.unwrap().leased, 0);
    let listing = Listing {
        sender: Some("submission".into()),
        state: None,
        search: Search::default(),
        before: None,
        limit: 10,
    };
    let listed = backend.list(listing).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].id, good.id);
    tamper(&path, damage("NULL")).await;
    assert!(
        backend
            .lease(bad.id, session, None)
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test]
async fn a_transaction_that_cannot_be_read_is_left_for_later() {
    let (backend, directory) = open().await;
    let path = directory.path().join("queue.sqlite");
    let session = SessionId::random();
    backend.open_session(session, now()).await.unwrap();
    let new: Vec<_> = (0..6).map(|_| transaction(100)).collect();
    for new in &new {
        backend.insert(new.clone()).await.unwrap();
    }
    let damages = [
        ("mail", "'{\"reverse_path\": \"no address\"}'"),
        ("context", "'{'"),
        ("recipients", "CAST(x'22ff22' AS TEXT)"),
        ("work", "'something new'"),
        ("id", "'damaged'"),
    ];
    for ((column, value), new) in damages.iter().zip(&new) {
        let sql = format!(
            "UPDATE transactions SET {column} = {value} WHERE id = '{}'",
            new.id
        );
        tamper(&path, sql).await;
    }
    let found = backend.find(new[0].id).await;
    assert!(
        matches!(found, Err(BackendError::Malformed(_))),
        "{found:?}"
    );

    let leased = backend
        .lease_due(session, now(), Standing::Clear, 2, &[])
        .await
        .unwrap();
    assert_eq!(leased.len(), 1);
    assert_eq!(leased[0].transaction.id, new[5].id);
    let hour = Duration::from_secs(3600);
    assert_eq!(
        backend.next_due(Standing::Clear, &[]).await.unwrap(),
        Some(now() + hour)
    );
    assert_eq!(backend.census().await.unwrap().waiting, 5);

    let repair = format!(
        "UPDATE transactions SET context = '{{\"sender\": \"x\", \"added later\": 1}}' WHERE id = '{}'",
        new[1].id
    );
    tamper(&path, repair).await;
    let leased = backend
        .lease_due(session, now() + hour, Standing::Clear, 9, &[])
        .await
        .unwrap();
    assert_eq!(leased.len(), 1);
    assert_eq!(leased[0].transaction.id, new[1].id);
    assert_eq!(&*leased[0].transaction.context.sender.name, "x");
}

#[tokio::test]
async fn an_insert_whose_caller_went_away_is_done_or_not_done() {
    let (backend, _directory) = open().await;
    for polls in 0..6 {
        let new = transaction(100);
        let mut insert = Box::pin(backend.insert(new.clone()));
        for _ in 0..polls {
            if (&mut insert).now_or_never().is_some() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(insert);
        // Everything that was queued is done before this.
        backend.insert(transaction(1)).await.unwrap();
        if let Some(found) = backend.find(new.id).await.unwrap() {
            let body = found.body.unwrap();
            assert_eq!(backend.read_blob(body.blob, 0).await.unwrap().len(), 100);
        }
    }
}

#[tokio::test]
async fn leases_for_a_caller_who_went_away_are_given_back() {
    let (backend, _directory) = open().await;
    let session = SessionId::random();
    backend.open_session(session, now()).await.unwrap();
    let new = transaction(100);
    let id = new.id;
    backend.insert(new).await.unwrap();
    for polls in 0..200 {
        let claim = async {
            if polls % 2 == 0 {
                backend
                    .lease_due(session, now(), Standing::Clear, 10, &[])
                    .await
            } else {
                let leased = backend.lease(id, session, None).await;
                leased.map(Vec::from_iter)
            }
        };
        let mut claim = Box::pin(claim);
        let mut arrived = None;
        for _ in 0..polls {
            arrived = (&mut claim).now_or_never();
            if arrived.is_some() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(claim);
        if let Some(arrived) = arrived {
            let leased = arrived.unwrap();
            let [leased] = &leased[..] else {
                panic!("round {polls}: the lease is lost: {leased:?}");
            };
            let id = leased.transaction.id;
            backend.release(id, session, leased.fence).await.unwrap();
        } else {
            // Everything that was queued is done before this, and leases that lapsed meanwhile are
            // given back with it.
            backend.insert(finished()).await.unwrap();
        }
    }
    let leased = backend
        .lease_due(session, now(), Standing::Clear, 10, &[])
        .await
        .unwrap();
    assert_eq!(leased.len(), 1);
}

fn draft() -> NewTransaction {
    NewTransaction {
        body: None,
        status: Status::Due(Due {
            at: now(),
            work: Work::Abandon,
        }),
        ..transaction(0)
    }
}

fn finished() -> NewTransaction {
    NewTransaction {
        status: Status::Final(FinalReason::Cancelled),
        ..transaction(1)
    }
}
