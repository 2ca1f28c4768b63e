//! Searches.

use std::sync::Arc;

use crate::{
    context::{Context, Sender},
    path::ReversePath,
    reply::Reply,
    storage::{
        Backend, ListCursor, Listing, QueueState, Search,
        record::{NewTransaction, SessionId, Standing, TransactionId},
    },
    transaction::Mail,
};

use super::{
    BackendFixture,
    sample::{attempt, delivered, due, plain, recipient, settlement, time},
};

/// A transaction that was created, and is due, at `time(created)`.
fn message(created: i64, sender: &str, from: &str, to: &[&str]) -> NewTransaction {
    NewTransaction {
        context: Arc::new(Context::new(Sender::new(sender))),
        created: time(created),
        mail: Mail::new(from.parse::<ReversePath>().unwrap()),
        recipients: to.iter().map(|to| recipient(to)).collect(),
        status: due(created),
        ..plain()
    }
}

/// All pages of a search, with one result each and with all.
async fn find(
    backend: &dyn Backend,
    sender: Option<&str>,
    state: Option<QueueState>,
    search: &Search,
) -> Vec<TransactionId> {
    let mut listing = Listing {
        sender: sender.map(Into::into),
        state,
        search: search.clone(),
        before: None,
        limit: 100,
    };
    let all = backend.list(listing.clone()).await.unwrap();
    let all: Vec<_> = all.into_iter().map(|one| one.id).collect();
    listing.limit = 1;
    let mut one_by_one = Vec::new();
    while let Some(one) = backend.list(listing.clone()).await.unwrap().pop() {
        listing.before = Some(ListCursor {
            created: one.created,
            id: one.id,
        });
        one_by_one.push(one.id);
    }
    assert_eq!(one_by_one, all);
    all
}

fn wanted(change: impl FnOnce(&mut Search)) -> Search {
    let mut search = Search::default();
    change(&mut search);
    search
}

/// Searches by address, domain, destination, time and identity, in every state, of one sender and of
/// all.
pub async fn finds_what_is_looked_for(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let to = ["bob@Y.example", "carol@z", "eve@bücher.example"];
    let waiting = message(4, "a", "Alice@Example.com", &to);
    let active = message(1, "b", "", &["\"bob\"@y.example"]);
    let over = message(2, "a", "alice@example.com", &["dave@w.y.example"]);
    let summary = NewTransaction {
        body: None,
        status: delivered(),
        ..message(3, "a", "mallory@example.org", &["BOB@y.example"])
    };
    for new in [&waiting, &active, &over] {
        backend.insert(new.clone()).await.unwrap();
    }
    backend.summarise(vec![summary.clone()]).await.unwrap();
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    let leased = backend.lease_due(session, time(2), Standing::Clear, 9, &[]);
    for leased in leased.await.unwrap() {
        if leased.transaction.id == over.id {
            let end = settlement(&leased, session, 3, delivered());
            backend.settle(end).await.unwrap();
        }
    }
    drop(backend);
    let backend = &*fixture.open().await;
    // With a fixture of one process, the holder of the lease still exists.
    let all = [waiting.id, summary.id, over.id, active.id];
    for (search, found) in [
        (Search::default(), &all[..]),
        (
            wanted(|s| s.reverse_path = Some("ALICE@example.COM".into())),
            &[waiting.id, over.id],
        ),
        (wanted(|s| s.reverse_path = Some("".into())), &[active.id]),
        (
            wanted(|s| s.reverse_path = Some("alice@example".into())),
            &[],
        ),
        (
            wanted(|s| s.recipient = Some("bob@y.EXAMPLE".into())),
            &[waiting.id, summary.id, active.id],
        ),
        (
            wanted(|s| s.recipient = Some("\"carol\"@z".into())),
            &[waiting.id],
        ),
        (wanted(|s| s.recipient = Some("ob@y.example".into())), &[]),
        (wanted(|s| s.recipient = Some("%".into())), &[]),
        (
            wanted(|s| s.domain = Some("Y.example".into())),
            &[waiting.id, summary.id, active.id],
        ),
        (
            wanted(|s| s.domain = Some("w.y.example".into())),
            &[over.id],
        ),
        (wanted(|s| s.domain = Some("z".into())), &[waiting.id]),
        // In any spelling.
        (
            wanted(|s| s.domain = Some("BÜCHER.example".into())),
            &[waiting.id],
        ),
        (
            wanted(|s| s.domain = Some("xn--bcher-kva.example".into())),
            &[waiting.id],
        ),
        (
            wanted(|s| {
                s.recipient = Some("Eve@BÜCHER.example".into());
                s.domain = Some("y.example".into());
            }),
            &[waiting.id],
        ),
        (
            wanted(|s| {
                s.recipient = Some("bob@xn--bcher-kva.example".into());
                s.domain = Some("y.example".into());
            }),
            &[],
        ),
        (
            wanted(|s| s.destination = Some("y.EXAMPLE".into())),
            &[waiting.id, summary.id, active.id],
        ),
        (wanted(|s| s.destination = Some("z".into())), &[]),
        (
            wanted(|s| s.since = Some(time(2))),
            &[waiting.id, summary.id, over.id],
        ),
        (wanted(|s| s.until = Some(time(3))), &[over.id, active.id]),
        (
            wanted(|s| {
                s.since = Some(time(2));
                s.until = Some(time(3));
            }),
            &[over.id],
        ),
        (wanted(|s| s.id = Some(summary.id)), &[summary.id]),
        (wanted(|s| s.id = Some(over.id)), &[over.id]),
        (wanted(|s| s.id = Some(TransactionId::random())), &[]),
        (
            wanted(|s| {
                s.domain = Some("y.example".into());
                s.reverse_path = Some("mallory@example.org".into());
            }),
            &[summary.id],
        ),
    ] {
        assert_eq!(
            find(backend, None, None, &search).await,
            found,
            "{search:?}"
        );
        let of_a: Vec<_> = found
            .iter()
            .copied()
            .filter(|id| *id != active.id)
            .collect();
        assert_eq!(
            find(backend, Some("a"), None, &search).await,
            of_a,
            "{search:?}"
        );
        let finished: Vec<_> = [summary.id, over.id]
            .into_iter()
            .filter(|id| found.contains(id))
            .collect();
        let state = Some(QueueState::Finished);
        assert_eq!(find(backend, Some("a"), state, &search).await, finished);
        assert_eq!(find(backend, None, state, &search).await, finished);
    }
}

/// Searches for words of the last reply, in any order and case.
pub async fn finds_words_of_the_last_reply(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let new = message(0, "a", "alice@example.com", &["bob@y"]);
    let never = message(1, "a", "alice@example.com", &["bob@y"]);
    for new in [&new, &never] {
        backend.insert(new.clone()).await.unwrap();
    }
    let found = async |words: &str, state| {
        let search = wanted(|s| s.last_reply = Some(words.into()));
        find(&*backend, Some("a"), state, &search).await
    };
    let replies = [
        Reply::mailbox_busy().with_text("The Mailbox of Bob is ÜBER\nquota"),
        Reply::mailbox_busy().with_text("still too much"),
        Reply::no_such_user().with_text("gone"),
    ];
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    for (reply, words) in replies.iter().zip(["quota über 450", "STILL", "550 gone"]) {
        let leased = backend.lease_due(session, time(0), Standing::Clear, 1, &[]);
        let leased = leased.await.unwrap().remove(0);
        assert_eq!(leased.transaction.id, new.id);
        let is_last = reply.is_permanent();
        let mut end = settlement(
            &leased,
            session,
            0,
            if is_last { delivered() } else { due(0) },
        );
        let mut brought = attempt(0);
        brought.recipient_replies = vec![Some(reply.clone())];
        brought.final_replies = Vec::new();
        end.attempt = Some(brought);
        if is_last {
            end.recipients[0].settled = Some(reply.clone());
        }
        backend.settle(end).await.unwrap();
        let state = if is_last {
            QueueState::Finished
        } else {
            QueueState::Waiting
        };
        assert_eq!(found(words, None).await, [new.id], "{words}");
        assert_eq!(found(words, Some(state)).await, [new.id], "{words}");
        assert_eq!(found("nobody", None).await, []);
        assert_eq!(found("the % mailbox", None).await, []);
        let is_first = words.contains("quota");
        assert_eq!(found("quota", None).await.len(), usize::from(is_first));
    }
}
