//! Reading events, for callers who may.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::{sync::Arc, time::Duration};

use koukan_core::{
    blob::BlobPool,
    clock::SystemClock,
    context::{Context, Sender},
    path::{ForwardPath, ReversePath},
    resource::{
        Caller, EventRequest, EventResponse, EventsRead, ReadEvents, Refusal, RefusalKind, Role,
    },
    signals::Carried,
    stage::event_reader::EventReader,
    storage::{
        EventRetention, MemoryBackend, Queue, Retention, Sessions, Storage,
        record::{
            BlobContent, Due, EventKind, NewBody, NewTransaction, Recipient, Status, Terms,
            TransactionId, Work,
        },
    },
    transaction::{Mail, Rcpt},
};
use tower::ServiceExt;

async fn storage(backend: &MemoryBackend) -> Storage {
    let (pool, clock) = (BlobPool::default(), Arc::new(SystemClock));
    Storage::open(Arc::new(backend.clone()), pool, clock)
        .await
        .unwrap()
}

fn queued(sender: &str) -> NewTransaction {
    let now = jiff::Timestamp::UNIX_EPOCH;
    NewTransaction {
        id: TransactionId::random(),
        created: now,
        context: Arc::new(Context::new(Sender::new(sender))),
        signals: Carried::default(),
        mail: Mail::new("alice@example.com".parse::<ReversePath>().unwrap()),
        recipients: vec![Recipient {
            rcpt: Rcpt::new("bob@example.com".parse::<ForwardPath>().unwrap()),
            settled: None,
        }],
        body: Some(NewBody::message(
            koukan_core::blob::BlobId::random(),
            2,
            BlobContent::Inline(vec!["hi".into()]),
        )),
        message_key: None,
        terms: Terms::default(),
        attempts: Vec::new(),
        status: Status::Due(Due {
            at: now,
            work: Work::Attempt,
        }),
        leased_by: None,
        idempotency_key: None,
    }
}

async fn ask(
    reader: &EventReader,
    caller: &Caller,
    read: ReadEvents,
) -> Result<EventsRead, Refusal> {
    let caller = caller.clone();
    let answer = reader.clone().oneshot(EventRequest { caller, read }).await;
    match answer.unwrap() {
        EventResponse::Read(read) => Ok(read),
        EventResponse::Refused(refusal) => Err(refusal),
    }
}

fn senders(read: &EventsRead) -> Vec<&str> {
    let events = read.events.iter();
    events.map(|kept| &*kept.event.sender.name).collect()
}

#[tokio::test]
async fn each_sees_its_senders() {
    let backend = MemoryBackend::new().with_events(100);
    for sender in ["a", "b", "c", "a"] {
        backend.insert(queued(sender)).await.unwrap();
    }
    let reader = EventReader::new(storage(&backend).await);
    let operator = Caller::unrestricted().with_role(Role::Operate);
    let read = ask(&reader, &operator, ReadEvents::default())
        .await
        .unwrap();
    assert_eq!(senders(&read), ["a", "b", "c", "a"]);
    let caller = Caller::of_senders(["a".into(), "c".into()]).with_role(Role::Read);
    let read = ask(&reader, &caller, ReadEvents::default()).await.unwrap();
    assert_eq!(senders(&read), ["a", "c", "a"]);
    assert_eq!(&*read.next, "4");
    let of = |sender: &str| ReadEvents {
        sender: Some(sender.into()),
        kinds: vec![EventKind::Queued],
        ..ReadEvents::default()
    };
    assert_eq!(
        senders(&ask(&reader, &caller, of("c")).await.unwrap()),
        ["c"]
    );
    let refused = ask(&reader, &caller, of("b")).await.unwrap_err();
    assert_eq!(refused.kind, RefusalKind::Forbidden);
}

#[tokio::test]
async fn a_place_that_is_none_or_no_longer_kept_is_refused() {
    let backend = MemoryBackend::new().with_events(100);
    for _ in 0..5 {
        backend.insert(queued("a")).await.unwrap();
    }
    let events = EventRetention::default().with_count(2);
    let retention = Retention::default().with_events(events);
    let now = jiff::Timestamp::UNIX_EPOCH;
    backend.collect_garbage(now, retention).await.unwrap();
    let reader = EventReader::new(storage(&backend).await);
    let caller = Caller::unrestricted();
    for (cursor, expected) in [
        ("2", Err(RefusalKind::Gone)),
        ("6", Err(RefusalKind::Gone)),
        ("x", Err(RefusalKind::Malformed)),
        ("-1", Err(RefusalKind::Malformed)),
        ("99999999999999999999", Err(RefusalKind::Malformed)),
        ("3", Ok(2)),
        ("5", Ok(0)),
        ("latest", Ok(0)),
    ] {
        let read = ReadEvents {
            cursor: Some(cursor.into()),
            ..ReadEvents::default()
        };
        let answer = ask(&reader, &caller, read).await;
        let answer = answer.map(|read| read.events.len());
        assert_eq!(answer.map_err(|refusal| refusal.kind), expected, "{cursor}");
    }
    let reader = EventReader::new(storage(&MemoryBackend::new()).await);
    let refused = ask(&reader, &caller, ReadEvents::default()).await;
    assert_eq!(refused.unwrap_err().kind, RefusalKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_woken_by_what_is_asked_for() {
    let backend = MemoryBackend::new().with_events(100);
    let reader = EventReader::new(storage(&backend).await);
    let caller = Caller::unrestricted();
    let read = ReadEvents {
        cursor: Some("latest".into()),
        sender: Some("b".into()),
        wait: Duration::from_secs(30),
        ..ReadEvents::default()
    };
    let begun = tokio::time::Instant::now();
    let nothing = ask(&reader, &caller, read.clone()).await.unwrap();
    assert!(nothing.events.is_empty());
    assert_eq!(begun.elapsed(), Duration::from_secs(30));
    let write = async {
        for sender in ["a", "a", "b"] {
            tokio::time::sleep(Duration::from_secs(1)).await;
            backend.insert(queued(sender)).await.unwrap();
        }
    };
    let (woken, ()) = tokio::join!(ask(&reader, &caller, read), write);
    assert_eq!(senders(&woken.unwrap()), ["b"]);
    assert_eq!(begun.elapsed(), Duration::from_secs(33));
}
