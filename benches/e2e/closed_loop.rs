//! The generator straight to the sink, in one process.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    generate::Load,
    sink::{Ledger, accept_default},
};

/// What the generator and the sink tell.
async fn run(change: impl FnOnce(&mut Load)) -> (Value, Value) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut load = Load {
        address: listener.local_addr().unwrap(),
        also: Vec::new(),
        sessions: 3,
        messages: 40,
        size: 5_000,
        recipients: 2,
        new_connections: false,
        pipelining: false,
        rest: false,
        sender: "app".into(),
        wait: None,
        rate: None,
        backlog: 100,
    };
    change(&mut load);
    let ledger = Arc::new(Mutex::new(Ledger::new(load.messages, load.recipients)));
    let accepting = tokio::spawn(accept_default(listener, Arc::clone(&ledger)));
    let told = load.send_all().await.unwrap();
    accepting.abort();
    let report = ledger.lock().unwrap().report();
    (told, report)
}

async fn every_message_comes_once(change: impl FnOnce(&mut Load)) {
    let (told, report) = run(change).await;
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
