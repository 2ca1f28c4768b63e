//! What an earlier version has queued in PostgreSQL for international domains in another spelling.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

#[path = "support/postgres.rs"]
mod postgres;
mod support;

use koukan_core::storage::{
    Queue, Records, Sessions,
    record::{SessionId, Standing},
};
use koukan_storage::{PostgresBackend, PostgresOptions};

use self::{
    postgres::{database, execute},
    support::{found, now, transaction},
};

const HOST: &str = "xn--bcher-kva.example";

#[tokio::test]
async fn what_is_queued_is_found_by_its_new_name() {
    let url = database();
    let open = async || {
        let options = PostgresOptions::new(&url).unwrap();
        PostgresBackend::open(options).await.unwrap()
    };
    let backend = open().await;
    for to in ["bob@bücher.example", "bob@example.com"] {
        let mut new = transaction(10);
        new.recipients[0].rcpt.forward_path = to.parse().unwrap();
        backend.insert(new).await.unwrap();
    }
    // As the version before wrote them; agents of it may still run.
    let earlier = format!(
        "UPDATE transactions SET host = 'bücher.example', destination = 'submission bücher.example', \
         forward_paths = E'\\nbob@bücher.example\\n', reverse_path = 'alice@bücher.example' \
         WHERE host = '{HOST}'"
    );
    execute(&url, &earlier);
    let next = open().await;
    let named = next.destinations(None, now(), 9).await.unwrap();
    let mut named: Vec<_> = named.iter().map(|one| (&*one.host, one.queued)).collect();
    named.sort_unstable();
    assert_eq!(named, [("example.com", 1), (HOST, 1)]);
    for spelling in [HOST, "bücher.example", "BÜCHER.example"] {
        assert_eq!(found(&next, spelling).await, [1; 3], "{spelling}");
    }
    let keys = execute(
        &url,
        "SELECT destination FROM transactions ORDER BY destination",
    );
    let keys: Vec<_> = keys.lines().collect();
    assert_eq!(
        keys,
        ["submission example.com", "submission xn--bcher-kva.example"]
    );
    let session = SessionId::random();
    next.open_session(session, now()).await.unwrap();
    let leased = next.lease_due(session, now(), Standing::Clear, 9, &[]);
    assert_eq!(leased.await.unwrap().len(), 2);
    next.close().await;
    backend.close().await;
}
