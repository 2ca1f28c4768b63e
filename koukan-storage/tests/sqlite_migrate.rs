//! A database that an older version made.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::{borrow::Cow, path::Path, time::Duration};

use koukan_core::storage::{
    Backend, BackendError, ListState, Listing, Recovered, Retention,
    record::{BodyKind, NewTransaction, SchedulingKey, SessionId, Standing, TransactionId},
};
use koukan_storage::SqliteBackend;
use sqlx::{
    ConnectOptions, SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
    sqlite::SqliteConnectOptions,
};

mod support;

use support::{now, tamper, transaction};

/// Brings a new database to the first version of the schema.
async fn first_version(path: &Path) {
    let text = include_str!("../migrations/sqlite/0001_initial.sql").into_sql_str();
    let kind = MigrationType::Simple;
    let first = Migration::new(1, Cow::Borrowed("initial"), kind, text, false);
    let options = SqliteConnectOptions::new().filename(path);
    let mut connection = options.create_if_missing(true).connect().await.unwrap();
    let migrator = Migrator::with_migrations(vec![first]);
    let migrated = migrator.run_direct(None, &mut connection, false).await;
    migrated.unwrap();
}

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
    first_version(&path).await;
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
            sender: "a".into(),
            state: Some(state),
            before: None,
            limit: 9,
        };
        let backend = &backend;
        async move {
            let list = backend.list(listing).await.unwrap();
            list.iter().map(|listed| listed.id).collect::<Vec<_>>()
        }
    };
    assert_eq!(of_state(ListState::Waiting).await, [new[0].id]);
    assert_eq!(of_state(ListState::Active).await, [new[1].id]);
    assert_eq!(of_state(ListState::Finished).await, [new[2].id]);

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

    let retention = Retention {
        finished: Duration::ZERO,
        orphaned: Duration::ZERO,
    };
    let later = now() + Duration::from_secs(1);
    let collected = backend.collect_garbage(later, retention).await.unwrap();
    // The blob as well: it is looked for before the transaction is removed, but that is final.
    assert_eq!((collected.transactions, collected.blobs), (1, 1));
}
