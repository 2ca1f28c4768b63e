//! The generator sends directly to the sink, in one process.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    generate::Load,
    sink::{Ledger, accept_default},
    tls::{Identity, Server},
};

/// The reports of the generator and the sink.
async fn run(change: impl FnOnce(&mut Load)) -> (Value, Value) {
    run_with(change, None).await
}

async fn run_with(change: impl FnOnce(&mut Load), tls: Option<Server>) -> (Value, Value) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut load = Load {
        address: listener.local_addr().unwrap(),
        also: Vec::new(),
        sessions: 3,
        messages: 40,
        size: 5_000,
        recipients: 2,
        domains: None,
        field: None,
        new_connections: false,
        pipelining: false,
        rest: false,
        sender: "app".into(),
        wait: None,
        rate: None,
        backlog: 100,
        tls: None,
        without_resumption: false,
    };
    change(&mut load);
    let ledger = Arc::new(Mutex::new(Ledger::new(load.messages, load.recipients)));
    let accepting = tokio::spawn(accept_default(listener, Arc::clone(&ledger), tls));
    let told = load.send_all().await.unwrap();
    accepting.abort();
    let report = ledger.lock().unwrap().report();
    (told, report)
}

async fn every_message_comes_once(change: impl FnOnce(&mut Load)) {
    has_all(&run(change).await);
}

fn has_all((told, report): &(Value, Value)) {
    assert_eq!(told["refused"], 0, "{told}");
    assert_eq!(report["arrived"], 80, "{report}");
    for fault in ["lost", "duplicate", "damaged"] {
        assert_eq!(report[fault], json!({"count": 0, "ids": []}), "{report}");
    }
    assert_eq!(report["foreign"], 0, "{report}");
}

#[tokio::test]
async fn kept_connections() {
    every_message_comes_once(|_| ()).await;
}

#[tokio::test]
async fn pipelined_commands_on_new_connections() {
    every_message_comes_once(|load| {
        load.pipelining = true;
        load.new_connections = true;
    })
    .await;
}

#[tokio::test]
async fn messages_to_many_domains() {
    every_message_comes_once(|load| load.domains = 7.try_into().ok()).await;
}

#[tokio::test]
async fn messages_larger_than_a_write() {
    every_message_comes_once(|load| load.size = 500_000).await;
}

#[tokio::test]
async fn messages_at_fixed_instants() {
    let (told, report) = run(|load| load.rate = Some(2_000.0)).await;
    assert_eq!(report["arrived"], 80, "{report}");
    // The last is due after 19.5 milliseconds.
    assert!(told["per_second"].as_f64().unwrap() < 2_052.0, "{told}");
    assert!(told["backlog"].is_u64(), "{told}");
}

#[tokio::test]
async fn new_connections_with_tls_resume_sessions_of_their_client() {
    let identity = Identity::make().unwrap();
    let (certificate, key) = (identity.certificate(), identity.key());
    let server = Server::new(&certificate, &key, true).unwrap();
    let change = |load: &mut Load| {
        load.tls = Some(certificate.clone());
        load.new_connections = true;
        load.size = 100_000;
    };
    let result = run_with(change, Some(server.clone())).await;
    has_all(&result);
    // Each of three clients makes a first connection.
    let counts = json!({"full": 3, "resumed": 37});
    assert_eq!(result.0["handshakes"], counts);
    assert_eq!(server.counts().report(), counts);
}
