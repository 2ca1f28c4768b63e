//! Events, for backends that keep them; other backends are not asked.

use std::{collections::HashMap, time::Duration};

use futures_util::future::join_all;

use crate::{
    reply::Reply,
    storage::{
        Backend, EventPage, EventQuery, EventRetention, Retention,
        record::{
            Change, Commit, EventKind, FinalReason, KeptEvent, NewEvent, NewTransaction,
            QueueAction, SessionId, Standing, Status, TransactionId,
        },
    },
};

use super::{
    BackendFixture,
    sample::{attempt, delivered, due, lease_one, plain, rich, settlement, stored, time},
};

async fn page(backend: &dyn Backend, query: EventQuery) -> EventPage {
    backend.events(query).await.unwrap()
}

/// All events that are kept.
async fn all(backend: &dyn Backend) -> Vec<KeptEvent> {
    let query = EventQuery {
        limit: 10_000,
        ..EventQuery::default()
    };
    page(backend, query).await.events
}

/// The transaction and the content of each event.
async fn told(backend: &dyn Backend) -> Vec<(TransactionId, EventKind)> {
    let all = all(backend).await.into_iter();
    all.map(|kept| (kept.event.transaction, kept.event.kind))
        .collect()
}

fn event(of: &NewTransaction, kind: EventKind) -> NewEvent {
    let source = (&*of.context, &of.signals);
    NewEvent::of_hold((of.id, 1), source, kind, time(5))
}

/// The events of a commit are written with it, all of them and in order; a refused commit writes
/// none.
pub async fn keeps_events_of_what_is_committed(fixture: &dyn BackendFixture) {
    use EventKind::{Bounced, Deferred, Delivered, Failed, Queued};

    let backend = fixture.open().await;
    if !backend.keeps_events() {
        return;
    }
    let new = plain();
    backend.insert(new.clone()).await.unwrap();
    assert!(backend.insert(new.clone()).await.is_err());
    let (session, leased) = lease_one(&*backend, 0).await;
    let notification = NewTransaction {
        status: due(30),
        context: rich().context,
        signals: rich().signals,
        ..plain()
    };
    let mut end = settlement(&leased, session, 5, Status::Final(FinalReason::Failed));
    end.events = vec![
        NewEvent {
            recipient: Some("用户@例え.jp".into()),
            reply: Some(Reply::no_such_user()),
            remote: attempt(0).remote,
            ..event(&new, Failed)
        },
        NewEvent {
            next_attempt: Some(time(9)),
            notification: Some(notification.id),
            end: Some(FinalReason::Failed),
            ..event(&new, Bounced)
        },
    ];
    let told_of = end.events.clone();
    end.notification = Some(Box::new(notification.clone()));
    backend.settle(end.clone()).await.unwrap();
    // The lease is gone, so no event is added.
    assert!(backend.settle(end).await.is_err());
    let without_blob = NewTransaction {
        body: Some(stored(crate::blob::BlobId::random(), 3)),
        ..plain()
    };
    let second = plain();
    let together = [plain(), without_blob].map(Commit::Insert);
    assert!(backend.commit(together.into()).await.is_err());
    let together = [second.clone()].map(Commit::Insert);
    backend.commit(together.into()).await.unwrap();

    let expected = [
        (new.id, Queued),
        (new.id, Failed),
        (new.id, Bounced),
        (notification.id, Queued),
        (second.id, Queued),
    ];
    drop(backend);
    let backend = fixture.open().await;
    assert_eq!(told(&*backend).await, expected);
    let kept = all(&*backend).await;
    assert_eq!(kept[0].event, new.events()[0]);
    assert_eq!(kept[1].event, told_of[0]);
    assert_eq!(kept[2].event, told_of[1]);
    let numbers: Vec<_> = kept.iter().map(|kept| kept.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
    assert_eq!(kept[3].event, notification.events()[0]);

    let mut summary = NewTransaction {
        body: None,
        attempts: vec![attempt(3)],
        status: delivered(),
        ..plain()
    };
    summary.recipients[0].settled = Some(Reply::message_accepted());
    let mut refused = summary.clone();
    refused.id = TransactionId::random();
    refused.status = Status::Final(FinalReason::Failed);
    refused.recipients[0].settled = Some(Reply::no_such_user());
    let summaries = vec![summary.clone(), refused];
    backend.summarise(summaries).await.unwrap();
    let draft = super::drafts::draft(1);
    backend.insert(draft.clone()).await.unwrap();
    let whole = NewTransaction {
        attempts: vec![attempt(3)],
        ..plain()
    };
    let whole = NewTransaction {
        id: draft.id,
        context: draft.context.clone(),
        ..whole
    };
    backend.complete(whole).await.unwrap();
    let expected = [
        (summary.id, Delivered),
        (draft.id, Queued),
        (draft.id, Deferred),
    ];
    assert_eq!(told(&*backend).await[5..], expected);
}

/// When callers abandon their writes, the events match what was written.
pub async fn keeps_events_of_what_is_written_alone(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    if !backend.keeps_events() {
        return;
    }
    let many: Vec<_> = (0..60).map(|_| plain()).collect();
    let inserts = many.iter().map(|new| backend.insert(new.clone()));
    join_all(inserts).await;
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    let leased = backend.lease_due(session, time(9), Standing::Clear, 60, &[]);
    let leased = leased.await.unwrap();
    let settlements = leased.iter().enumerate().map(|(index, leased)| {
        let mut end = settlement(leased, session, 5, delivered());
        let new = plain();
        let of = NewTransaction {
            id: leased.transaction.id,
            ..new
        };
        end.events = vec![event(&of, EventKind::Delivered)];
        let settle = backend.settle(end);
        async move {
            // Some are abandoned before they are polled, some while they are written.
            match index % 3 {
                0 => settle.await.unwrap(),
                1 => drop(tokio::time::timeout(Duration::from_micros(50), settle).await),
                _ => drop(tokio::time::timeout(Duration::ZERO, settle).await),
            }
        }
    });
    join_all(settlements).await;
    // Everything that was begun is done before this.
    backend.probe().await.unwrap();
    drop(backend);

    let backend = fixture.open().await;
    let mut kinds: HashMap<_, Vec<_>> = HashMap::new();
    for (id, kind) in told(&*backend).await {
        kinds.entry(id).or_default().push(kind);
    }
    assert_eq!(kinds.len(), 60);
    for new in &many {
        let found = backend.find(new.id).await.unwrap().unwrap();
        let expected = match found.status {
            Status::Final(_) => vec![EventKind::Queued, EventKind::Delivered],
            Status::Due(_) => vec![EventKind::Queued],
        };
        assert_eq!(kinds[&new.id], expected);
    }
}

/// An operator's change of state has an event.
pub async fn keeps_events_of_holds(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    if !backend.keeps_events() {
        return;
    }
    let written = backend.events_written();
    let new = plain();
    let odd = NewTransaction {
        status: due(8),
        attempts: Vec::new(),
        ..rich()
    };
    for new in [&new, &odd] {
        backend.insert(new.clone()).await.unwrap();
    }
    let unknown = TransactionId::random();
    for action in [
        QueueAction::Retry,
        QueueAction::Hold,
        QueueAction::Hold,
        QueueAction::Release,
    ] {
        for is_dry in [true, false] {
            let change = Change {
                ids: vec![new.id, unknown, odd.id],
                action,
                now: time(7),
                is_dry,
            };
            backend.change(change).await.unwrap();
        }
    }
    let mut held: Vec<_> = all(&*backend).await;
    held.retain(|kept| kept.event.kind != EventKind::Queued && kept.event.transaction == odd.id);
    let source = (&*odd.context, &odd.signals);
    let expected = [EventKind::Held, EventKind::Released]
        .map(|kind| NewEvent::of_hold((odd.id, 0), source, kind, time(7)));
    // Earlier events of a recipient are written when the transaction is committed.
    let held: Vec<_> = held.into_iter().map(|kept| kept.event).collect();
    assert_eq!(held[held.len() - 2..], expected);
    let of_plain = told(&*backend).await.into_iter();
    let of_plain: Vec<_> = of_plain.filter(|(id, _)| *id == new.id).collect();
    let kinds = [EventKind::Queued, EventKind::Held, EventKind::Released];
    assert_eq!(of_plain, kinds.map(|kind| (new.id, kind)));
    if let Some(mut written) = written {
        assert!(written.has_changed().unwrap());
        written.mark_unchanged();
        backend.insert(plain()).await.unwrap();
        written.changed().await.unwrap();
    }
}

/// Each page continues where the one before ended, and contains what was asked for.
pub async fn reads_events_by_pages(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    if !backend.keeps_events() {
        return;
    }
    let nothing = page(&*backend, EventQuery::default()).await;
    assert_eq!((nothing.first, nothing.last, nothing.seen), (1, 0, 0));
    assert!(!nothing.is_gone(0) && nothing.is_gone(1));
    for index in 0..7 {
        let context = match index % 2 {
            0 => plain().context,
            _ => rich().context,
        };
        let new = NewTransaction { context, ..plain() };
        backend.insert(new).await.unwrap();
    }
    let mut numbers = Vec::new();
    let mut after = None;
    loop {
        let query = EventQuery {
            after,
            limit: 3,
            ..EventQuery::default()
        };
        let page = page(&*backend, query).await;
        assert_eq!((page.first, page.last), (1, 7));
        numbers.extend(page.events.iter().map(|kept| kept.number));
        after = Some(page.seen);
        if page.seen == page.last {
            break;
        }
    }
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7]);
    let odd = rich().context.sender.name.clone();
    for (senders, kinds, expected) in [
        (Some(vec![(&*odd).into()]), vec![], vec![2, 4, 6]),
        (Some(vec![]), vec![], vec![]),
        (
            Some(vec!["nobody".into(), "submission".into()]),
            vec![EventKind::Queued, EventKind::Failed],
            vec![1, 3, 5, 7],
        ),
        (None, vec![EventKind::Failed], vec![]),
    ] {
        let query = EventQuery {
            after: Some(0),
            senders,
            kinds,
            limit: 10,
        };
        let page = page(&*backend, query).await;
        let numbers: Vec<_> = page.events.iter().map(|kept| kept.number).collect();
        assert_eq!(numbers, expected);
        assert_eq!(page.seen, 7);
    }
}

/// Events are removed by age and by count, and a reader that missed some is told.
pub async fn collects_events(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    if !backend.keeps_events() {
        return;
    }
    for seconds in 0..6 {
        let new = NewTransaction {
            created: time(seconds * 10),
            ..plain()
        };
        backend.insert(new).await.unwrap();
    }
    let collect = async |age, count| {
        let events = EventRetention {
            age: Duration::from_secs(age),
            count,
        };
        let retention = Retention {
            events,
            ..Retention::default()
        };
        let collected = backend.collect_garbage(time(60), retention).await;
        collected.unwrap().events
    };
    assert_eq!(collect(1000, 6).await, 0);
    assert_eq!(collect(45, 100).await, 2);
    let kept = page(
        &*backend,
        EventQuery {
            limit: 9,
            ..EventQuery::default()
        },
    )
    .await;
    assert_eq!((kept.first, kept.last, kept.events.len()), (3, 6, 4));
    assert!(kept.is_gone(1) && !kept.is_gone(2) && !kept.is_gone(6) && kept.is_gone(7));
    assert_eq!(collect(1000, 1).await, 3);
    assert_eq!(collect(1, 100).await, 1);
    let kept = page(&*backend, EventQuery::default()).await;
    assert_eq!((kept.first, kept.last, kept.seen), (7, 6, 6));
    assert!(kept.is_gone(5) && !kept.is_gone(6));
    backend.insert(plain()).await.unwrap();
    let kept = all(&*backend).await;
    assert_eq!(kept[0].number, 7);
}

/// A reader's position is kept under its name, also over a crash.
pub async fn keeps_cursors(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    if !backend.keeps_events() {
        return;
    }
    assert_eq!(backend.cursor("one").await.unwrap(), None);
    backend.keep_cursor("one", 7).await.unwrap();
    let both = [("one", 4711), ("two", 0)];
    let kept = join_all(both.map(|(name, number)| backend.keep_cursor(name, number))).await;
    assert!(kept.iter().all(Result::is_ok));
    drop(backend);
    let backend = fixture.open().await;
    for (name, number) in [("one", Some(4711)), ("two", Some(0)), ("ONE", None)] {
        assert_eq!(backend.cursor(name).await.unwrap(), number, "{name}");
    }
}
