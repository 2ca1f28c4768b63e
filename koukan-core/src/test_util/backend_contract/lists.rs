//! Lists of a sender's transactions.

use std::sync::Arc;

use crate::{
    context::{Context, Sender},
    storage::{
        Backend, ListCursor, Listing, QueueState, Search,
        record::{NewTransaction, SessionId, Standing, StoredTransaction, TransactionId},
    },
};

use super::{
    BackendFixture,
    sample::{delivered, due, lease_one, plain, settlement, time},
};

fn of(sender: Sender, created: i64) -> NewTransaction {
    NewTransaction {
        context: Arc::new(Context::new(sender)),
        created: time(created),
        ..plain()
    }
}

fn listing(state: Option<QueueState>, limit: usize) -> Listing {
    Listing {
        sender: Some("a".into()),
        state,
        search: Search::default(),
        before: None,
        limit,
    }
}

fn place(of: &StoredTransaction) -> ListCursor {
    ListCursor {
        created: of.created,
        id: of.id,
    }
}

async fn ids(backend: &dyn Backend, state: Option<QueueState>) -> Vec<TransactionId> {
    let list = backend.list(listing(state, 100)).await.unwrap();
    list.into_iter().map(|listed| listed.id).collect()
}

/// A sender's transactions are listed newest first, whatever the tag, page by page without gap or
/// repetition; those created at the same time by their identities.
pub async fn lists_newest_first_by_pages(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let mut expected = Vec::new();
    for created in [5, 3, 9, 3, 7, 3, 0, 8] {
        let new = of(Sender::new("a"), created);
        expected.push((new.created, new.id));
        backend.insert(new).await.unwrap();
    }
    let tagged = of(Sender::new("a").with_tag("tag"), 6);
    expected.push((tagged.created, tagged.id));
    backend.insert(tagged).await.unwrap();
    for other in ["b", "A", "", "aa"] {
        backend.insert(of(Sender::new(other), 4)).await.unwrap();
    }
    expected.sort_unstable();
    expected.reverse();
    drop(backend);

    let backend = fixture.open().await;
    for limit in [1, 2, 4, 9, 100] {
        let mut listed = Vec::new();
        let mut page = listing(None, limit);
        loop {
            let list = backend.list(page.clone()).await.unwrap();
            assert!(list.len() <= limit);
            let Some(last) = list.last() else {
                break;
            };
            page.before = Some(place(last));
            listed.extend(list.iter().map(|listed| (listed.created, listed.id)));
        }
        assert_eq!(listed, expected, "by pages of {limit}");
    }
    let none = backend.list(listing(None, 0)).await.unwrap();
    assert!(none.is_empty());
}

/// A list of one state shows all transactions in it, and each listed transaction equals the one
/// that is found.
pub async fn lists_by_state(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let [first, second, third] = [1, 2, 3].map(|created| NewTransaction {
        status: due(created),
        ..of(Sender::new("a"), created)
    });
    for new in [&second, &first, &third] {
        backend.insert(new.clone()).await.unwrap();
    }
    backend.insert(of(Sender::new("b"), 2)).await.unwrap();
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    // The other sender's and the first.
    backend
        .lease_due(session, time(1), Standing::Clear, 10, &[])
        .await
        .unwrap();
    let (session, leased) = lease_one(&*backend, 2).await;
    let end = settlement(&leased, session, 2, delivered());
    backend.settle(end).await.unwrap();

    let (waiting, active, finished) = (
        Some(QueueState::Waiting),
        Some(QueueState::Active),
        Some(QueueState::Finished),
    );
    assert_eq!(ids(&*backend, waiting).await, [third.id]);
    assert_eq!(ids(&*backend, active).await, [first.id]);
    assert_eq!(ids(&*backend, finished).await, [second.id]);
    let all = [third.id, second.id, first.id];
    assert_eq!(ids(&*backend, None).await, all);
    let unfinished = Some(QueueState::Unfinished);
    assert_eq!(ids(&*backend, unfinished).await, [third.id, first.id]);
    let listed = backend.list(listing(None, 9)).await.unwrap();
    let leased = listed.iter().filter(|listed| listed.is_leased);
    assert_eq!(
        leased.map(|listed| listed.id).collect::<Vec<_>>(),
        [first.id]
    );
    for (id, is_leased) in [(first.id, true), (second.id, false), (third.id, false)] {
        let found = backend.find(id).await.unwrap().unwrap();
        assert_eq!(found.is_leased, is_leased);
    }
    let listed = backend.list(listing(finished, 1)).await.unwrap();
    let found = backend.find(second.id).await.unwrap().unwrap();
    assert_eq!(format!("{listed:?}"), format!("{:?}", [found]));
    drop(backend);

    let backend = fixture.open().await;
    let session = SessionId::random();
    backend.open_session(session, time(9)).await.unwrap();
    assert_eq!(ids(&*backend, waiting).await, [third.id, first.id]);
    assert_eq!(ids(&*backend, active).await, []);
    let mut rest = listing(waiting, 1);
    let list = backend.list(rest.clone()).await.unwrap();
    rest.before = list.first().map(place);
    let list = backend.list(rest).await.unwrap();
    assert_eq!(list[0].id, first.id);
    for standing in [Standing::Clear, Standing::Suspect] {
        let leased = backend.lease_due(session, time(9), standing, 10, &[]);
        leased.await.unwrap();
    }
    assert_eq!(ids(&*backend, active).await, [third.id, first.id]);
    let elsewhere = Listing {
        sender: Some("nobody".into()),
        ..listing(None, 10)
    };
    assert!(backend.list(elsewhere).await.unwrap().is_empty());
}
