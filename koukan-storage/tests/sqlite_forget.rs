//! Erasing the data about an address.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::{fs, path::Path, sync::Arc};

use bytes::Bytes;
use koukan_core::{
    blob::BlobId,
    path::{ForwardPath, Mailbox, ReversePath},
    reply::{Reply, Speaker},
    storage::{
        Blobs, EventQuery, Queue, Records, Sessions, SuppressionLists,
        record::{
            Attempt, BlobContent, Conversation, EventKind, FinalReason, NewBody, NewEvent,
            NewTransaction, Recipient, SessionId, Settlement, Spoken, Standing, Status,
            Suppression, SuppressionChange,
        },
    },
    transaction::{Mail, Rcpt},
};
use koukan_storage::{OpenError, SqliteBackend, SqliteOptions};

mod support;

use support::{now, transaction};

const SECRET: &[u8] = b"what nobody is to find any more";

/// A transaction whose message can be found in the file.
fn message(from: &str, to: &[&str], is_final: bool) -> NewTransaction {
    let mut new = transaction(0);
    new.mail = Mail::new(from.parse::<ReversePath>().unwrap());
    let recipient = |to: &&str| Recipient {
        rcpt: Rcpt::new(to.parse::<ForwardPath>().unwrap()),
        settled: None,
    };
    new.recipients = to.iter().map(recipient).collect();
    let octets = Bytes::from(SECRET.repeat(2000));
    let content = BlobContent::Inline(vec![octets.clone()]);
    new.body = Some(NewBody::message(
        BlobId::random(),
        octets.len() as u64,
        content,
    ));
    if is_final {
        new.status = Status::Final(FinalReason::Delivered);
    }
    new
}

fn address(text: &str) -> Mailbox {
    text.parse().unwrap()
}

fn has_secret(directory: &Path) -> bool {
    fs::read_dir(directory).unwrap().any(|entry| {
        let octets = fs::read(entry.unwrap().path()).unwrap();
        octets.windows(SECRET.len()).any(|window| window == SECRET)
    })
}

#[tokio::test]
async fn what_is_over_is_erased_and_what_is_not_stays() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    let backend = SqliteBackend::open(&path).await.unwrap();
    let sent = message("Eve@Example.com", &["bob@y"], true);
    let received = message("alice@x", &["bob@y", "\"eve\"@example.com"], true);
    let queued = message("eve@example.com", &["eve@EXAMPLE.com"], false);
    let others = [
        message("alice@x", &["eve@example.net"], true),
        message("", &["steve@example.com"], true),
        message("eve+x@example.com", &["\"eve@example.com\"@y"], true),
    ];
    for new in [&sent, &received, &queued].into_iter().chain(&others) {
        backend.insert(new.clone()).await.unwrap();
    }
    let (options, eve) = (SqliteOptions::new(&path), address("eve@example.com"));
    let found = options.find_address(&eve).await.unwrap();
    let mut told: Vec<_> = found
        .iter()
        .map(|named| (named.is_sender, named.is_recipient, named.is_final))
        .collect();
    told.sort_unstable();
    let expected = [
        (false, true, true),
        (true, false, true),
        (true, true, false),
    ];
    assert_eq!(told, expected);
    // Nobody may be using the database.
    let error = options.forget(&eve).await.unwrap_err();
    assert!(matches!(error, OpenError::Locked { .. }), "{error:?}");
    backend.close().await;
    assert_eq!(options.forget(&eve).await.unwrap(), found);

    let backend = SqliteBackend::open(&path).await.unwrap();
    for gone in [&sent, &received] {
        assert!(backend.find(gone.id).await.unwrap().is_none());
    }
    for kept in others.iter().chain([&queued]) {
        assert!(backend.find(kept.id).await.unwrap().is_some());
    }
    let blob = queued.body.unwrap().blob;
    assert!(!backend.read_blob(blob, 0).await.unwrap().is_empty());
    backend.close().await;
    let left = options.find_address(&eve).await.unwrap();
    assert_eq!(left.len(), 1);
}

#[tokio::test]
async fn nothing_of_it_is_left_in_the_files() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    let backend = SqliteBackend::open(&path).await.unwrap();
    for _ in 0..5 {
        let new = message("eve@example.com", &["bob@y"], true);
        backend.insert(new).await.unwrap();
    }
    backend.close().await;
    assert!(has_secret(directory.path()));
    let len = fs::metadata(&path).unwrap().len();
    let options = SqliteOptions::new(&path);
    let found = options.forget(&address("eve@example.com")).await.unwrap();
    assert_eq!(found.len(), 5);
    assert!(!has_secret(directory.path()));
    assert!(fs::metadata(&path).unwrap().len() < len);
}

/// Whether a file contains an address, in any case.
fn names(directory: &Path, address: &str) -> bool {
    fs::read_dir(directory).unwrap().any(|entry| {
        let octets = fs::read(entry.unwrap().path()).unwrap();
        let mut windows = octets.windows(address.len());
        windows.any(|window| window.eq_ignore_ascii_case(address.as_bytes()))
    })
}

#[tokio::test]
async fn nothing_of_an_address_is_left_in_the_files() {
    let eve = "eve.of.the.secret@example.com";
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    let options = SqliteOptions::new(&path).with_events(true);
    let backend = SqliteBackend::open(options).await.unwrap();
    let session = SessionId::random();
    backend.open_session(session, now()).await.unwrap();
    for round in 0..20 {
        for (from, to) in [("alice@x", eve), (eve, "bob@y"), ("alice@x", "bob@y")] {
            backend.insert(message(from, &[to], false)).await.unwrap();
        }
        let summary = NewTransaction {
            body: None,
            ..message("alice@x", &[eve], true)
        };
        backend.summarise(vec![summary]).await.unwrap();
        for retry in [true, false] {
            let leased = backend.lease_due(session, now(), Standing::Clear, 9, &[]);
            for leased in leased.await.unwrap() {
                let mut attempt = Attempt::broken_off(now(), None, Vec::new());
                let is_others = leased.transaction.recipients[0].rcpt.forward_path.as_str()
                    == "bob@y"
                    && leased.transaction.mail.reverse_path.as_str() != eve;
                let whom = if is_others { "somebody" } else { eve };
                attempt.final_reply = Reply::mailbox_busy().with_text(format!("{whom} {round}"));
                let status = match retry {
                    true => leased.transaction.status.clone(),
                    false => Status::Final(FinalReason::Failed),
                };
                let source = (&*leased.transaction.context, &leased.transaction.signals);
                let which = (leased.transaction.id, 1);
                let event = NewEvent::of_hold(which, source, EventKind::Failed, now());
                let event = NewEvent {
                    recipient: Some("bob@y".into()),
                    reply: Some(attempt.final_reply.clone()),
                    ..event
                };
                let end = Settlement {
                    id: leased.transaction.id,
                    session,
                    fence: leased.fence,
                    attempt: Some(attempt),
                    recipients: leased.transaction.recipients,
                    status,
                    notification: None,
                    kept: Vec::new(),
                    events: vec![event],
                    together: Vec::new(),
                };
                backend.settle(end).await.unwrap();
            }
        }
    }
    backend.close().await;
    assert!(names(directory.path(), eve));
    let options = SqliteOptions::new(&path);
    let restored = tempfile::tempdir().unwrap();
    let copy = restored.path().join("queue.sqlite");
    options.back_up(&copy).await.unwrap();
    let found = options.forget(&address(eve)).await.unwrap();
    assert_eq!(found.len(), 60);
    assert!(!names(directory.path(), eve));
    // A copy is no worse.
    let copied = SqliteOptions::new(&copy).forget(&address(eve)).await;
    assert_eq!(copied.unwrap(), found);
    assert!(!names(restored.path(), eve));
    let backend = SqliteBackend::open(&path).await.unwrap();
    let kept = backend.events(EventQuery {
        limit: 1000,
        ..EventQuery::default()
    });
    assert_eq!(kept.await.unwrap().events.len(), 60);
    assert_eq!(backend.census().await.unwrap().finished, 20);
    backend.close().await;
}

#[tokio::test]
async fn a_message_that_others_still_need_stays() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    let backend = SqliteBackend::open(&path).await.unwrap();
    let queued = message("alice@x", &["bob@y"], false);
    let blob = queued.body.as_ref().unwrap().blob;
    let mut done = message("alice@x", &["eve@example.com"], true);
    let len = queued.body.as_ref().unwrap().len;
    done.body = Some(NewBody::message(blob, len, BlobContent::Stored));
    backend.insert(queued).await.unwrap();
    backend.insert(done).await.unwrap();
    backend.close().await;
    let options = SqliteOptions::new(&path);
    let found = options.forget(&address("eve@example.com")).await.unwrap();
    assert_eq!(found.len(), 1);
    let backend = SqliteBackend::open(&path).await.unwrap();
    assert!(!backend.read_blob(blob, 0).await.unwrap().is_empty());
    backend.close().await;
}

#[tokio::test]
async fn of_a_database_that_is_not_there_nothing_is_found_or_made() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    let options = SqliteOptions::new(&path);
    let eve = address("eve@example.com");
    assert_eq!(options.find_address(&eve).await.unwrap(), []);
    assert_eq!(options.forget(&eve).await.unwrap(), []);
    assert!(!path.exists());
}

#[tokio::test]
async fn what_was_said_of_it_with_the_mail_of_others_is_erased() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    let backend = SqliteBackend::open(&path).await.unwrap();
    let heard = |text: &str| {
        let spoken = Spoken {
            at: now(),
            by: Speaker::Client,
            text: text.into(),
        };
        let conversation = Conversation {
            said: vec![spoken],
            left_out: 0,
        };
        let attempt = Attempt::broken_off(now(), None, vec![None]);
        Attempt {
            conversation: Some(Arc::new(conversation)),
            ..attempt
        }
    };
    let mut kept = message("alice@x", &["bob@y"], false);
    kept.attempts = [
        "<EVE.s@example.com>",
        "<\"eve.s\"@Example.com>",
        "<steve.s@example.net>",
    ]
    .map(heard)
    .to_vec();
    let mut over = message("alice@x", &["bob@y"], true);
    (over.body, over.attempts) = (None, vec![heard("RCPT TO:<eve.s@example.com>")]);
    backend.insert(kept.clone()).await.unwrap();
    backend.summarise(vec![over.clone()]).await.unwrap();
    backend.close().await;
    let options = SqliteOptions::new(&path);
    assert_eq!(
        options.forget(&address("eve.s@example.com")).await.unwrap(),
        []
    );
    assert!(!names(directory.path(), "eve.s@example.com"));
    let backend = SqliteBackend::open(&path).await.unwrap();
    let attempts = backend.attempts(kept.id).await.unwrap();
    let heard = attempts
        .iter()
        .map(|attempt| attempt.conversation.is_some());
    assert_eq!(Vec::from_iter(heard), [false, false, true]);
    let attempts = backend.attempts(over.id).await.unwrap();
    assert!(attempts[0].conversation.is_none());
    backend.close().await;
}

#[tokio::test]
async fn it_is_no_longer_suppressed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    let backend = SqliteBackend::open(&path).await.unwrap();
    for (sender, address) in [
        ("a", "eve.of.the.secret@example.com"),
        ("b", "Eve.of.the.Secret@example.com"),
        ("b", "steve@example.com"),
    ] {
        let suppression = Suppression {
            sender: sender.into(),
            address: address.into(),
            since: now(),
            until: now(),
            reason: "550 5.1.1 no".into(),
        };
        let change = SuppressionChange::Keep(suppression);
        backend.change_suppression(change).await.unwrap();
    }
    backend.close().await;
    let (options, eve) = (SqliteOptions::new(&path), "eve.of.the.secret@Example.com");
    options.forget(&address(eve)).await.unwrap();
    assert!(!names(directory.path(), eve));
    let backend = SqliteBackend::open(&path).await.unwrap();
    let left = backend.suppressions().await.unwrap();
    let left: Vec<_> = left.iter().map(|one| &*one.address).collect();
    assert_eq!(left, ["steve@example.com"]);
    backend.close().await;
}
