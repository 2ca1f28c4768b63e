//! A database of an older version.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::time::Duration;

use koukan_core::storage::{
    BackendError, Listing, Queue, QueueState, Records, Recovered, Retention, Search, Sessions,
    record::{
        BodyKind, FinalReason, NewTransaction, SchedulingKey, SessionId, Settlement, Standing,
        Status, TransactionId,
    },
};
use koukan_storage::{SqliteBackend, SqliteOptions};

mod support;

use support::{now, tamper, transaction, versions::of_version};

/// A transaction as the first version wrote it.
fn row(id: TransactionId, context: &str, blob: &str, end: &str) -> String {
    let created = now().as_microsecond();
    let mail = r#"{"reverse_path":"a@example.com"}"#;
    let recipients = r#"[{"forward_path":"b@example.com"}]"#;
    format!(
        "INSERT INTO blobs VALUES ('{blob}', 3, 1, {created});
         INSERT INTO chunks VALUES ('{blob}', 0, x'616263');
         INSERT INTO transactions VALUES
         ('{id}', {created}, '{context}', '{mail}', '{recipients}', x'', '{blob}', 3, 1, 0, 0, NULL,
          0, {end});"
    )
}

#[tokio::test]
async fn what_the_first_version_wrote_is_all_there() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    of_version(&path, 1).await;
    let new: Vec<_> = (0..4).map(|_| transaction(3)).collect();
    let created = now().as_microsecond();
    let ends = [
        format!("{created}, 'attempt', NULL, NULL, NULL, 0"),
        format!("{created}, 'notify', NULL, NULL, 'somebody', 1"),
        format!("NULL, NULL, 'delivered', {created}, NULL, 1"),
        format!("{created}, 'attempt', NULL, NULL, NULL, 0"),
    ];
    let contexts = [
        r#"{"sender":"a","tag":"t"}"#,
        r#"{"sender":"a"}"#,
        r#"{"sender":"a"}"#,
        r#"{"sender":"#,
    ];
    for ((new, end), context) in new.iter().zip(ends).zip(contexts) {
        let blob = new.body.as_ref().unwrap().blob.to_string();
        tamper(&path, row(new.id, context, &blob, &end)).await;
    }

    for _ in 0..2 {
        let backend = SqliteBackend::open(&path).await.unwrap();
        let found = backend.find(new[0].id).await.unwrap().unwrap();
        let body = found.body.unwrap();
        assert_eq!((body.kind, body.parts), (BodyKind::Message, vec![]));
        assert_eq!(found.context.sender.to_string(), "a/t");
        assert_eq!(found.context.next_hop, None);
        let broken = backend.find(new[3].id).await;
        assert!(matches!(broken, Err(BackendError::Malformed(_))));
        backend.close().await;
    }

    let backend = SqliteBackend::open(&path).await.unwrap();
    let session = SessionId::random();
    let recovered = backend.open_session(session, now()).await.unwrap();
    assert_eq!(
        recovered,
        Recovered {
            freed: 1,
            ..Recovered::default()
        }
    );
    let found = backend.find(new[0].id).await.unwrap().unwrap();
    let except = [SchedulingKey::of(&found.context, &found.recipients)];
    let due = backend.lease_due(session, now(), Standing::Clear, 9, &except);
    assert!(due.await.unwrap().is_empty(), "{except:?}");
    let leased = backend.lease(new[1].id, session, None).await.unwrap();
    assert_eq!(leased.unwrap().fence, 2);
    let of_state = |state| {
        let listing = Listing {
            sender: Some("a".into()),
            state: Some(state),
            search: Search::default(),
            before: None,
            limit: 9,
        };
        let backend = &backend;
        async move {
            let list = backend.list(listing).await.unwrap();
            list.iter().map(|listed| listed.id).collect::<Vec<_>>()
        }
    };
    assert_eq!(of_state(QueueState::Waiting).await, [new[0].id]);
    assert_eq!(of_state(QueueState::Active).await, [new[1].id]);
    assert_eq!(of_state(QueueState::Finished).await, [new[2].id]);

    let keyed = NewTransaction {
        idempotency_key: Some("key".into()),
        ..transaction(3)
    };
    backend.insert(keyed.clone()).await.unwrap();
    let again = NewTransaction {
        id: TransactionId::random(),
        ..keyed.clone()
    };
    let again = backend.insert(again).await;
    assert!(matches!(again, Err(BackendError::Repeated(id)) if id == keyed.id));

    let retention = Retention::default()
        .with_finished(Duration::ZERO)
        .with_orphaned(Duration::ZERO);
    let later = now() + Duration::from_secs(1);
    let collected = backend.collect_garbage(later, retention).await.unwrap();
    // The blob too: it is checked before the transaction is removed, but the transaction is final.
    assert_eq!((collected.transactions, collected.blobs), (1, 1));
}

/// A transaction as the fifth version wrote it. `end` has its end, and the columns from the attempt
/// count on.
fn fifth(id: TransactionId, envelope: (&str, &str), blob: &str, rest: &str) -> String {
    let created = now().as_microsecond();
    let (from, recipients) = envelope;
    format!(
        r#"INSERT INTO transactions (id, created, sender, context, mail, recipients, blob_id,
            body_len, retry, notify, crash_count, attempt_count, last_attempt, due_at, work,
            final_reason, final_since, lease_session, lease_fence, destination)
        VALUES ('{id}', {created}, 'a', '{{"sender":"a"}}', '{{"reverse_path":"{from}"}}',
            '{recipients}', {blob}, 3, 1, 1, 0, {rest}, 'a y.example');"#
    )
}

const DEFERRED: &str = r#"{"started":1790000000000001,"ended":1790000000000002,
    "mail_reply":{"code":250,"text":"ok"},
    "recipient_replies":[{"code":450,"enhanced":"4.2.1","text":"Mailbox busy"}],
    "final_reply":{"code":451,"text":"later"},
    "remote":{"host":"mx.y.example","address":"192.0.2.1:25"}}"#;
const DELIVERED: &str = r#"{"started":1790000000000001,"ended":1790000000000002,
    "recipient_replies":[{"code":250,"text":"ok"}],
    "final_reply":{"code":250,"enhanced":"2.0.0","text":"Queued as 7"}}"#;

#[tokio::test]
async fn what_the_version_before_attempts_had_rows_wrote_is_all_there() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    of_version(&path, 5).await;
    let ids: Vec<_> = (0..6).map(|_| TransactionId::random()).collect();
    let [waiting, leased, stored, summary, draft, broken] = ids[..] else {
        panic!("there are six");
    };
    let blob = transaction(3).body.unwrap().blob.to_string();
    let created = now().as_microsecond();
    let blob_rows = format!(
        "INSERT INTO blobs VALUES ('{blob}', 3, 1, {created});
         INSERT INTO chunks VALUES ('{blob}', 0, x'616263');"
    );
    let blob = format!("'{blob}'");
    let bob = ("Alice@Example.com", r#"[{"forward_path":"Bob@Y.example"}]"#);
    let settled = r#"[{"forward_path":"bob@y.example",
        "settled":{"code":250,"enhanced":"2.0.0","text":"Queued as 7"}}]"#;
    let settled = ("", settled);
    let rows = [
        fifth(
            waiting,
            bob,
            &blob,
            &format!("7, '{DEFERRED}', {created}, 'attempt', NULL, NULL, NULL, 7"),
        ),
        fifth(
            leased,
            bob,
            &blob,
            &format!("0, NULL, {created}, 'attempt', NULL, NULL, 'x', 1"),
        ),
        fifth(
            stored,
            settled,
            &blob,
            &format!("1, '{DELIVERED}', NULL, NULL, 'delivered', {created}, NULL, 1"),
        ),
        fifth(
            summary,
            settled,
            "NULL",
            &format!("1, '{DELIVERED}', NULL, NULL, 'delivered', {created}, NULL, 0"),
        ),
        fifth(
            draft,
            bob,
            "NULL",
            &format!("0, NULL, {created}, 'abandon', NULL, NULL, NULL, 0"),
        ),
        fifth(
            broken,
            bob,
            &blob,
            &format!("1, '{{', {created}, 'attempt', NULL, NULL, NULL, 1"),
        ),
    ];
    tamper(&path, format!("{blob_rows}{}", rows.concat())).await;
    let address = "bob@y.example".parse().unwrap();
    let named = SqliteOptions::new(&path).find_address(&address).await;
    assert_eq!(named.unwrap().len(), 6);

    let backend = SqliteBackend::open(&path).await.unwrap();
    let census = backend.census().await.unwrap();
    assert_eq!((census.waiting, census.leased, census.finished), (3, 1, 2));
    let found = backend.find(waiting).await.unwrap().unwrap();
    assert_eq!(found.attempt_count, 7);
    let last = found.last_attempt.unwrap();
    assert_eq!(last.final_reply.text(), "later");
    assert_eq!(last.remote.as_ref().unwrap().host.as_ref(), "mx.y.example");
    assert_eq!(backend.attempts(waiting).await.unwrap(), [last]);
    assert_eq!(backend.attempts(leased).await.unwrap(), []);
    for delivered in [stored, summary] {
        let found = backend.find(delivered).await.unwrap().unwrap();
        assert_eq!(found.status, Status::Final(FinalReason::Delivered));
        let last = found.last_attempt.unwrap();
        assert_eq!(last.final_reply.text(), "Queued as 7");
        assert_eq!(backend.attempts(delivered).await.unwrap(), [last]);
    }
    let error = backend.find(broken).await;
    assert!(
        matches!(error, Err(BackendError::Malformed(_))),
        "{error:?}"
    );
    let found = async |search: Search| {
        let listing = Listing {
            sender: Some("a".into()),
            state: None,
            search,
            before: None,
            limit: 9,
        };
        let list = backend.list(listing).await.unwrap();
        let mut found: Vec<_> = list.iter().map(|listed| listed.id).collect();
        found.sort_unstable();
        found
    };
    let mut all = [waiting, leased, stored, summary, draft];
    all.sort_unstable();
    let to_bob = Search {
        recipient: Some("bob@y.example".into()),
        ..Search::default()
    };
    assert_eq!(found(to_bob).await, all);
    let mut from_alice = [waiting, leased, draft];
    from_alice.sort_unstable();
    let search = Search {
        reverse_path: Some("alice@example.com".into()),
        ..Search::default()
    };
    assert_eq!(found(search).await, from_alice);
    let search = Search {
        last_reply: Some("busy MAILBOX 4.2.1".into()),
        ..Search::default()
    };
    assert_eq!(found(search).await, [waiting]);

    let session = SessionId::random();
    backend.open_session(session, now()).await.unwrap();
    let held = backend
        .lease(waiting, session, None)
        .await
        .unwrap()
        .unwrap();
    let end = Settlement {
        id: waiting,
        session,
        fence: held.fence,
        attempt: held.transaction.last_attempt,
        recipients: held.transaction.recipients,
        status: Status::Final(FinalReason::Failed),
        notification: None,
        kept: Vec::new(),
        events: Vec::new(),
        together: Vec::new(),
    };
    backend.settle(end).await.unwrap();
    assert_eq!(backend.attempts(waiting).await.unwrap().len(), 2);
    backend.close().await;
}

#[tokio::test]
async fn what_older_versions_wrote_is_bound_for_the_host_that_all_of_it_goes_to() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    of_version(&path, 8).await;
    let created = now().as_microsecond();
    let rows = [
        ("a b.example", "{}", "u@b.example"),
        ("a c.example", "{}", "u@c.example\nu@d.example"),
        (
            "a mx.example:25",
            r#"{"sender":"a","next_hop":"mx.example:25"}"#,
            "u@c.example\nu@d.example",
        ),
        ("over r e.example", "{", "u@e.example"),
        ("a ", "{}", "postmaster"),
    ];
    let rows = rows.map(|(destination, context, paths)| {
        let id = TransactionId::random();
        format!(
            "INSERT INTO transactions (id, created, context, mail, recipients, retry, notify,
                attempt_count, crash_count, due_at, work, lease_fence, destination, forward_paths)
            VALUES ('{id}', {created}, '{context}', '{{}}', '[]', 1, 1, 0, 0, {created}, 'attempt', 0,
                '{destination}', '\n{paths}\n');"
        )
    });
    tamper(&path, rows.concat()).await;
    let backend = SqliteBackend::open(&path).await.unwrap();
    let counted = backend.destinations(None, now(), 9).await.unwrap();
    let hosts: Vec<_> = counted.iter().map(|census| &*census.host).collect();
    assert_eq!(hosts, ["b.example", "e.example", "mx.example:25"]);
    backend.close().await;
}

#[tokio::test]
async fn a_database_that_has_its_largest_size_is_brought_up_to_date_and_drains() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    of_version(&path, 5).await;
    let ids: Vec<_> = (0..500).map(|_| TransactionId::random()).collect();
    let created = now().as_microsecond();
    let envelope = ("alice@example.com", r#"[{"forward_path":"bob@y.example"}]"#);
    let rest = format!("7, '{DEFERRED}', {created}, 'attempt', NULL, NULL, NULL, 7");
    let rows = ids.iter().map(|id| {
        let blob = format!("'{id}'");
        let row = fifth(*id, envelope, &blob, &rest);
        format!(
            "INSERT INTO blobs VALUES ({blob}, 4000, 1, {created});
             INSERT INTO chunks VALUES ({blob}, 0, zeroblob(4000)); {row}"
        )
    });
    tamper(&path, rows.collect::<String>()).await;
    let full = std::fs::metadata(&path).unwrap().len();

    let options = || {
        let options = SqliteOptions::new(&path);
        options.with_max_size(full).with_reserve(64 << 20)
    };
    let backend = SqliteBackend::open(options()).await.unwrap();
    let new = backend.insert(transaction(1_000_000)).await;
    assert!(matches!(new, Err(BackendError::Full(_))), "{new:?}");
    let session = SessionId::random();
    backend.open_session(session, now()).await.unwrap();
    for id in &ids {
        let lease = backend.lease(*id, session, None).await.unwrap().unwrap();
        let end = Settlement {
            id: *id,
            session,
            fence: lease.fence,
            attempt: lease.transaction.last_attempt,
            recipients: lease.transaction.recipients,
            status: Status::Final(FinalReason::Failed),
            notification: None,
            kept: Vec::new(),
            events: Vec::new(),
            together: Vec::new(),
        };
        backend.settle(end).await.unwrap();
    }
    backend.close().await;
    // Everything is over, so the address can be erased.
    let address = "bob@y.example".parse().unwrap();
    let erased = options().forget(&address).await.unwrap();
    assert_eq!(erased.len(), ids.len());
}
