//! A database that accepts connections and falls silent, as behind a broken network.

use std::{
    io::{ErrorKind, Read},
    net::TcpListener,
    thread,
    time::Duration,
};

use serde_json::json;
use tokio::{
    runtime::{self, Runtime},
    time::Instant,
};

use crate::{
    agent::Agent,
    client::Client,
    collector::Collector,
    http::{Answer, Request},
    postgres::server::{Durability, Server},
    process::{eventually, free_address},
};

#[path = "../../../koukan-storage/tests/support/wire.rs"]
mod wire;

use self::wire::{Passage, Wire};

/// A statement may take 30 s. Clients are told much sooner.
const SETTINGS: &str = "session_term: 2s, patience: 1s";
/// How long an answer may take on a busy machine.
const IN_TIME: Duration = Duration::from_secs(20);

/// Drives a wire while the test waits for others.
fn runtime() -> Runtime {
    let mut runtime = runtime::Builder::new_multi_thread();
    runtime.worker_threads(1).enable_all().build().unwrap()
}

/// Sends a message that cannot be kept; returns how long the answer took.
fn refused_by_smtp(agent: &Agent, number: usize) -> Duration {
    let begun = Instant::now();
    let mut client = Client::connect(agent.submission).unwrap();
    let to = format!("refused{number}@example.com");
    let sent = client.send("a@example.org", &[&to], "\r\nhi\r\n").unwrap();
    let reply = sent.message.unwrap();
    assert!(reply.starts_with("45"), "{reply}");
    begun.elapsed()
}

/// Creates a message by HTTP.
fn create(agent: &Agent, to: &str) -> Answer {
    let create = Request::new("POST", "/senders/submission/transactions").json(&json!({
        "mail_from": {"m": "alice@example.org"}, "rcpt_to": [{"m": to}],
        "body": {"inline": "Subject: hi\r\n\r\nhello\r\n"},
    }));
    create.send(agent.rest).unwrap()
}

/// As [`refused_by_smtp`], by HTTP.
fn refused_by_http(agent: &Agent, number: usize) -> Duration {
    let begun = Instant::now();
    let answer = create(agent, &format!("refused{number}@example.com"));
    assert_eq!(answer.status, 503, "{}", answer.text);
    begun.elapsed()
}

#[test]
fn clients_are_told_so_in_time_another_agent_takes_over_and_later_all_goes_on() {
    let server = Server::start(Durability::None);
    let url = server.database();
    let runtime = runtime();
    let wire = runtime.block_on(Wire::lay(server.socket()));
    let sink_address = free_address();
    let by_wire = wire.url(url.rsplit('/').next().unwrap());
    let cut_off = Agent::start_on_postgres_with(sink_address, &by_wire, SETTINGS);
    let mut client = Client::connect(cut_off.submission).unwrap();
    let sent = client.send("a@example.org", &["before@example.com"], "\r\nhi\r\n");
    assert!(sent.unwrap().is_accepted());

    wire.set(Passage::Silent);
    let longest = thread::scope(|scope| {
        let agent = &cut_off;
        let by_smtp = (0..8).map(|number| scope.spawn(move || refused_by_smtp(agent, number)));
        let by_http = (8..12).map(|number| scope.spawn(move || refused_by_http(agent, number)));
        let all: Vec<_> = by_smtp.chain(by_http).collect();
        all.into_iter().map(|one| one.join().unwrap()).max()
    });
    // One after the other: each may meet another connection.
    let later = (12..16).map(|number| refused_by_smtp(&cut_off, number));
    let longest = longest.into_iter().chain(later).max().unwrap();
    assert!(longest < IN_TIME, "{longest:?}");
    let ready = Request::get("/readyz").send(cut_off.rest).unwrap();
    assert_eq!(ready.status, 503, "{}", ready.text);

    let sink = Collector::listen(sink_address);
    let other = Agent::start_on_postgres_with(sink_address, &url, SETTINGS);
    sink.only_message("before@example.com");
    wire.set(Passage::Open);
    for agent in [&cut_off, &other] {
        eventually(Duration::from_secs(20), || {
            let ready = Request::get("/readyz").send(agent.rest);
            ready.is_ok_and(|ready| ready.status == 200)
        });
    }
    let sent = client.send("a@example.org", &["after@example.com"], "\r\nhi\r\n");
    assert!(sent.unwrap().is_accepted());
    sink.only_message("after@example.com");
    sink.only_message("before@example.com");
    for number in 0..16 {
        let sent = sink.messages(&format!("refused{number}@example.com"));
        assert!(sent.is_empty(), "{number}");
    }
}

#[test]
fn an_agent_works_on_nothing_that_another_may_have_by_then() {
    let server = Server::start(Durability::None);
    let url = server.database();
    let runtime = runtime();
    let wire = runtime.block_on(Wire::lay(server.socket()));
    // It accepts connections, and sends nothing.
    let host = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = host.local_addr().unwrap();
    let by_wire = wire.url(url.rsplit('/').next().unwrap());
    let cut_off = Agent::start_on_postgres_with(address, &by_wire, SETTINGS);
    let created = create(&cut_off, "b@example.com");
    assert_eq!(created.status, 201, "{}", created.text);
    let (mut attempt, _) = host.accept().unwrap();
    attempt.set_read_timeout(Some(IN_TIME)).unwrap();
    wire.set(Passage::Silent);
    // It ends the attempt, for whose greeting it would wait for minutes.
    let ended = attempt.read_to_end(&mut Vec::new());
    assert!(!ended.is_err_and(|error| error.kind() == ErrorKind::WouldBlock));
    let _other = Agent::start_on_postgres_with(address, &url, SETTINGS);
    let (_attempt, _) = host.accept().unwrap();
}
