//! Erasing the data about an address in PostgreSQL, while agents use the database.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

#[path = "support/postgres.rs"]
mod postgres;
mod support;

use std::sync::Arc;

use bytes::Bytes;
use koukan_core::{
    blob::BlobId,
    path::{ForwardPath, Mailbox, ReversePath},
    reply::Speaker,
    storage::{
        Blobs, Queue, Records, Sessions, SuppressionLists,
        record::{
            Attempt, BlobContent, Conversation, FinalReason, NewBody, NewTransaction, Recipient,
            SessionId, Spoken, Standing, Status, Suppression, SuppressionChange,
        },
    },
    transaction::{Mail, Rcpt},
};
use koukan_storage::{PostgresBackend, PostgresError, PostgresOptions};

use self::{
    postgres::{database, execute},
    support::{now, transaction},
};

const EVE: &str = "eve.of.the.secret@example.com";

fn options(url: &str) -> PostgresOptions {
    PostgresOptions::new(url).unwrap()
}

fn address(text: &str) -> Mailbox {
    text.parse().unwrap()
}

fn message(from: &str, to: &[&str], is_final: bool) -> NewTransaction {
    let mut new = transaction(0);
    new.mail = Mail::new(from.parse::<ReversePath>().unwrap());
    let recipient = |to: &&str| Recipient {
        rcpt: Rcpt::new(to.parse::<ForwardPath>().unwrap()),
        settled: None,
    };
    new.recipients = to.iter().map(recipient).collect();
    let octets = Bytes::from_static(b"what nobody is to find any more");
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

/// Whether a table contains an address, in any case.
fn names(url: &str, address: &str) -> bool {
    let tables = "SELECT string_agg(format('SELECT lower(t::text) AS it FROM %I t', tablename), ' UNION ALL ') \
        FROM pg_tables WHERE schemaname = current_schema()";
    let all = execute(url, tables);
    let count =
        format!("SELECT count(*) FROM ({all}) AS everything WHERE strpos(it, '{address}') > 0");
    execute(url, &count).trim() != "0"
}

#[tokio::test]
async fn what_is_over_is_erased_and_what_is_not_stays_while_an_agent_runs() {
    let url = database();
    let backend = PostgresBackend::open(options(&url)).await.unwrap();
    let session = SessionId::random();
    backend.open_session(session, now()).await.unwrap();
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
    let (options, eve) = (options(&url), address("eve@example.com"));
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
    assert!(backend.find(sent.id).await.unwrap().is_some());

    assert_eq!(options.forget(&eve).await.unwrap(), found);
    for gone in [&sent, &received] {
        assert!(backend.find(gone.id).await.unwrap().is_none());
        let blob = gone.body.as_ref().unwrap().blob;
        backend.read_blob(blob, 0).await.unwrap_err();
    }
    for kept in others.iter().chain([&queued]) {
        assert!(backend.find(kept.id).await.unwrap().is_some());
        let blob = kept.body.as_ref().unwrap().blob;
        assert!(!backend.read_blob(blob, 0).await.unwrap().is_empty());
    }
    // The agent goes on.
    let leased = backend.lease_due(session, now(), Standing::Clear, 9, &[]);
    assert_eq!(leased.await.unwrap().len(), 1);
    let left = options.find_address(&eve).await.unwrap();
    assert_eq!(left.len(), 1);
    backend.close().await;
}

#[tokio::test]
async fn no_table_names_it_any_more() {
    let url = database();
    let backend = PostgresBackend::open(options(&url)).await.unwrap();
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
        Attempt {
            conversation: Some(Arc::new(conversation)),
            ..Attempt::broken_off(now(), None, vec![None])
        }
    };
    let mut kept = message("alice@x", &["bob@y"], false);
    kept.attempts = [
        "<EVE.of.the.secret@example.com>",
        "<\"eve.of.the.secret\"@Example.com>",
        "<steve@example.net>",
    ]
    .map(heard)
    .to_vec();
    backend.insert(kept.clone()).await.unwrap();
    let over = NewTransaction {
        body: None,
        attempts: vec![heard(&format!("RCPT TO:<{EVE}>"))],
        ..message("alice@x", &[EVE], true)
    };
    backend.summarise(vec![over]).await.unwrap();
    let of_others = NewTransaction {
        body: None,
        attempts: vec![heard(&format!("RCPT TO:<{EVE}>"))],
        ..message("alice@x", &["bob@y"], true)
    };
    backend.summarise(vec![of_others.clone()]).await.unwrap();
    // The last one is not suppressed any more, but others may not have heard of it yet.
    for (sender, address) in [("a", EVE), ("b", "steve@example.com"), ("c", EVE)] {
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
    let removed = SuppressionChange::Remove {
        sender: "c".into(),
        address: EVE.into(),
    };
    backend.change_suppression(removed).await.unwrap();
    let known = backend.bans_changed(None).await.unwrap().number;
    assert!(names(&url, EVE));
    let found = options(&url).forget(&address(EVE)).await.unwrap();
    assert_eq!(found.len(), 1);
    assert!(!names(&url, EVE));
    // Agents read all suppressions again.
    let changed = backend.bans_changed(Some(known)).await.unwrap();
    assert_eq!(changed.changes, None);

    let attempts = backend.attempts(kept.id).await.unwrap();
    let heard = attempts
        .iter()
        .map(|attempt| attempt.conversation.is_some());
    assert_eq!(Vec::from_iter(heard), [false, false, true]);
    assert!(backend.find(of_others.id).await.unwrap().is_some());
    let left = backend.suppressions().await.unwrap();
    let left: Vec<_> = left.iter().map(|one| &*one.address).collect();
    assert_eq!(left, ["steve@example.com"]);
    backend.close().await;
}

#[tokio::test]
async fn a_message_that_others_still_need_stays() {
    let url = database();
    let backend = PostgresBackend::open(options(&url)).await.unwrap();
    let queued = message("alice@x", &["bob@y"], false);
    let body = queued.body.as_ref().unwrap();
    let (blob, len) = (body.blob, body.len);
    let mut done = message("alice@x", &[EVE], true);
    done.body = Some(NewBody::message(blob, len, BlobContent::Stored));
    backend.insert(queued).await.unwrap();
    backend.insert(done).await.unwrap();
    let found = options(&url).forget(&address(EVE)).await.unwrap();
    assert_eq!(found.len(), 1);
    assert!(!backend.read_blob(blob, 0).await.unwrap().is_empty());
    backend.close().await;
}

#[tokio::test]
async fn of_a_database_without_tables_nothing_is_found_or_made_and_another_schema_is_told() {
    let url = database();
    let (options, eve) = (options(&url), address(EVE));
    assert_eq!(options.find_address(&eve).await.unwrap(), []);
    assert_eq!(options.forget(&eve).await.unwrap(), []);
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()";
    assert_eq!(execute(&url, tables).trim(), "0");
    options.migrate().await.unwrap();
    execute(&url, "DELETE FROM _sqlx_migrations WHERE version > 24");
    let error = options.forget(&eve).await.unwrap_err();
    let is_told = matches!(error, PostgresError::OldSchema { version: 24, .. });
    assert!(is_told, "{error:?}");
}
