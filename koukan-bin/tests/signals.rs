//! The results of a gateway's filters, and the id of a message, reach the destination: by SMTP,
//! REST and a database, and after a restart.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
};

use koukan::{Koukan, Running};
use koukan_core::{
    middleware::{Next, State, from_fn, from_fn_with_state},
    reply::Reply,
    signals::DurableSignal,
    test_util::{CapturedLog, Script},
    transaction::Transaction,
};
use koukan_smtp::Server;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tower::BoxError;
use tracing::Level;

#[derive(Serialize, Deserialize)]
struct Spf {
    result: String,
}

impl DurableSignal for Spf {
    const NAME: &'static str = "spf";
}

/// A signal that the router does not know.
#[derive(Serialize, Deserialize)]
struct OfTheFuture(Vec<u32>);

impl DurableSignal for OfTheFuture {
    const NAME: &'static str = "of_the_future";
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

async fn find_out(tx: Transaction, next: Next) -> Result<Reply, BoxError> {
    let result = "pass".into();
    tx.signals.set_durable(&Spf { result })?;
    tx.signals.set_durable(&OfTheFuture(vec![1, 2]))?;
    next.run(tx).await
}

/// The signals of each attempt.
type Seen = Arc<Mutex<Vec<Map<String, Value>>>>;

async fn look(State(seen): State<Seen>, tx: Transaction, next: Next) -> Result<Reply, BoxError> {
    assert!(tx.signals.find_durable::<Spf>().is_ok());
    seen.lock().unwrap().push(tx.signals.carried().to_map());
    next.run(tx).await
}

/// An SMTP server for a router to deliver to.
async fn destination(script: &Script) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(Server::new(script.clone()).run(listener, std::future::pending()));
    address
}

async fn router(database: &Path, to: SocketAddr, trusted: bool, seen: &Seen) -> Running {
    let config = format!(
        r#"
        hostname: router.example
        storage: {{ sqlite: {} }}
        notification: {{ sender: outgoing }}
        retry: {{ min_attempt_time: 100ms, max_attempt_time: 100ms }}
        rest_listener: [{{ address: "127.0.0.1:0", trusted: {trusted} }}]
        sender:
          - {{ name: submission, chain: submission, rest: {{}} }}
          - {{ name: outgoing, chain: outgoing }}
        chain:
          - name: submission
            filter: [received_header]
            endpoint: {{ exploder: {{ policy: submission, sender: outgoing }} }}
          - name: outgoing
            filter:
              - look
              - router: {{ rules: [static_hosts: ["{to}"]] }}
            endpoint: {{ smtp: {{}} }}
        "#,
        database.display()
    );
    let seen = Arc::clone(seen);
    let agent = Koukan::builder().filter("look", move |_: Nothing| {
        from_fn_with_state(Arc::clone(&seen), look)
    });
    let agent = agent.config_text("router.yaml", &config).unwrap();
    agent.start().await.unwrap()
}

async fn gateway(router: &Running) -> Running {
    let config = format!(
        r#"
        hostname: gateway.example
        smtp_listener: [{{ address: "127.0.0.1:0", sender: submission }}]
        notification: {{ sender: submission }}
        sender: [{{ name: submission, chain: router }}]
        chain:
          - name: router
            filter: [find_out]
            endpoint: {{ rest: {{ url: "http://{}", filter_output: true }} }}
        "#,
        router.rest_addresses()[0]
    );
    let agent = Koukan::builder().filter("find_out", |_: Nothing| from_fn(find_out));
    let agent = agent.config_text("gateway.yaml", &config).unwrap();
    agent.start().await.unwrap()
}

/// Sends a message by SMTP, and returns the id in the final reply.
async fn send(gateway: &Running) -> String {
    let mut stream = TcpStream::connect(gateway.smtp_addresses()[0])
        .await
        .unwrap();
    let commands = "EHLO client.example\r\nMAIL FROM:<alice@example.com>\r\n\
                    RCPT TO:<bob@example.com>\r\nDATA\r\n";
    let message = "Subject: hi\r\n\r\nhello\r\n.\r\nQUIT\r\n";
    let mut replies = String::new();
    for (octets, is_answered) in [(commands, "354 "), (message, "221 ")] {
        stream.write_all(octets.as_bytes()).await.unwrap();
        while !replies.contains(is_answered) {
            let mut octets = [0; 1000];
            let read = stream.read(&mut octets).await.unwrap();
            assert_ne!(read, 0, "{replies}");
            replies.push_str(std::str::from_utf8(&octets[..read]).unwrap());
        }
    }
    let accepted = replies.lines().nth_back(1).unwrap();
    assert!(accepted.starts_with("250 2."), "{replies}");
    let (_, id) = accepted.rsplit_once(" id=").unwrap();
    id.to_owned()
}

/// Lets everything run until the destination has got a message.
async fn delivered(script: &Script) {
    while script.received().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn one_id_and_all_signals_follow_a_message_through_a_restart() {
    let log = CapturedLog::at(Level::INFO);
    let (directory, seen) = (TempDir::new().unwrap(), Seen::default());
    let database = directory.path().join("router.sqlite");
    let busy = Script::new().other_rcpts(Reply::mailbox_busy());
    let first = router(&database, destination(&busy).await, true, &seen).await;
    let gateway = gateway(&first).await;
    let id = send(&gateway).await;
    gateway.stop().await;
    first.stop().await;

    let told = json!({
        "spf": {"result": "pass"},
        "of_the_future": [1, 2],
        "trace_id": id,
    });
    let seen_before = seen.lock().unwrap().len();
    assert!(seen_before > 0);
    let taking = Script::new();
    let second = router(&database, destination(&taking).await, true, &seen).await;
    delivered(&taking).await;
    second.stop().await;
    let seen = seen.lock().unwrap();
    assert!(seen.len() > seen_before);
    for signals in seen.iter() {
        assert_eq!(Value::from(signals.clone()), told);
    }
    let received = taking.only_received();
    assert!(
        received.text().contains(&format!("id {id}")),
        "{}",
        received.text()
    );
    let log = log.text();
    for what in [
        "queued, next attempt",
        "duration_ms=",
        "outcome=\"accepted\"",
    ] {
        let mut lines = log.lines().filter(|line| line.contains(what));
        let of_message = lines.find(|line| line.contains(&format!("id={id}")));
        assert!(of_message.is_some(), "no {what} of {id} in {log}");
    }
    // The gateway's session, and the attempts of both routers.
    for (what, sender) in [
        ("transaction ended", "sender=submission"),
        ("attempt ended", "sender=outgoing"),
    ] {
        let mut ended = log.lines().filter(|line| line.contains(what));
        let of_sender = |line: &str| line.contains(sender) && line.contains(&format!(" id={id}"));
        assert!(ended.any(of_sender), "nothing of {sender} in {log}");
    }
}

#[tokio::test]
async fn a_gateway_is_believed_where_it_is_trusted() {
    for trusted in [true, false] {
        assert_believed(trusted).await;
    }
}

async fn assert_believed(trusted: bool) {
    let (directory, seen) = (TempDir::new().unwrap(), Seen::default());
    let database = directory.path().join("router.sqlite");
    let taking = Script::new();
    let router = router(&database, destination(&taking).await, trusted, &seen).await;
    let gateway = gateway(&router).await;
    let id = send(&gateway).await;
    let seen = seen.lock().unwrap().clone();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].contains_key("spf"), trusted);
    assert_eq!(seen[0]["trace_id"] == id, trusted);
    gateway.stop().await;
    router.stop().await;
}
