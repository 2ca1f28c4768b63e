//! Transactions for tests.
#![allow(dead_code, reason = "no test uses all of it")]

pub(crate) mod versions;

use std::{path::Path, sync::Arc};

use bytes::Bytes;
use jiff::Timestamp;
use koukan_core::{
    blob::BlobId,
    context::{Context, Sender},
    path::ReversePath,
    signals::Carried,
    storage::{
        Listing, Records, Search,
        record::{
            BlobContent, Due, NewBody, NewTransaction, Recipient, Status, Terms, TransactionId,
            Work,
        },
    },
    transaction::{Mail, Rcpt},
};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Executor, SqliteConnection, sqlite::SqliteConnectOptions,
};

/// A transaction that is due at [`now`], with a body of this many octets.
pub(crate) fn transaction(body: usize) -> NewTransaction {
    NewTransaction {
        id: TransactionId::random(),
        created: now(),
        context: Arc::new(Context::new(Sender::new("submission"))),
        signals: Carried::default(),
        mail: Mail::new("alice@example.com".parse::<ReversePath>().unwrap()),
        recipients: vec![Recipient {
            rcpt: Rcpt {
                forward_path: "bob@example.com".parse().unwrap(),
                parameters: Default::default(),
            },
            settled: None,
        }],
        body: Some(NewBody::message(
            BlobId::random(),
            body as u64,
            BlobContent::Inline(vec![Bytes::from(vec![b'x'; body])]),
        )),
        message_key: None,
        terms: Terms::default(),
        attempts: Vec::new(),
        status: Status::Due(Due {
            at: now(),
            work: Work::Attempt,
        }),
        leased_by: None,
        idempotency_key: None,
    }
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap()
}

/// How many transactions have bob in this domain as a recipient, a recipient in it, and alice in it as the sender.
pub(crate) async fn found(backend: &impl Records, domain: &str) -> [usize; 3] {
    let by = |change: fn(&mut Search, Box<str>), text: String| {
        let mut search = Search::default();
        change(&mut search, text.into());
        let listing = Listing {
            sender: None,
            state: None,
            search,
            before: None,
            limit: 9,
        };
        async move { backend.list(listing).await.unwrap().len() }
    };
    [
        by(|s, to| s.recipient = Some(to), format!("Bob@{domain}")).await,
        by(|s, of| s.domain = Some(of), domain.into()).await,
        by(|s, by| s.reverse_path = Some(by), format!("alice@{domain}")).await,
    ]
}

/// Changes a database without the backend's knowledge.
pub(crate) async fn tamper(path: &Path, sql: impl Into<String>) {
    let mut connection: SqliteConnection = SqliteConnectOptions::new()
        .filename(path)
        .connect()
        .await
        .unwrap();
    connection.execute(AssertSqlSafe(sql.into())).await.unwrap();
}
