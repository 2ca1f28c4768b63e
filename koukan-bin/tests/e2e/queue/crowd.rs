//! Very many messages for a destination that accepts connections and then hangs, and one for
//! another destination.

#![allow(clippy::disallowed_methods, reason = "real processes take real time")]

use std::{
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    collector::Collector,
    host::{Host, Manner},
    http::Request,
    process::{eventually, free_address},
};

use super::setup::Agent;

const MESSAGES: usize = 5_000;
const THREADS: usize = 10;
/// It takes at most a second; the rest is for other tests that run at the same time.
const SOON: Duration = Duration::from_secs(5);
/// The same as in the agent's configuration.
const MAX_ATTEMPT_TIME: Duration = Duration::from_secs(2);

fn create(rest: SocketAddr, sender: &str, to: &str) {
    let transaction = json!({
        "mail_from": { "m": "" },
        "rcpt_to": [{ "m": to }],
        "body": { "inline": "Subject: hi\r\n\r\nhello\r\n" },
    });
    let request = Request::new("POST", &format!("/senders/{sender}/transactions"));
    let answer = request.json(&transaction).send(rest).unwrap();
    assert_eq!(answer.status, 201, "{}", answer.text);
}

/// Waits for a message; returns how long that took.
fn arrival(sink: &Collector, to: &str) -> Duration {
    let begun = Instant::now();
    eventually(Duration::from_secs(60), || !sink.messages(to).is_empty());
    begun.elapsed()
}

#[test]
fn what_is_for_another_host_leaves_at_once() {
    let host = Host::start(Manner {
        greets_after: Duration::from_secs(24 * 60 * 60),
        ..Manner::default()
    });
    let sink_address = free_address();
    let mut agent = Agent::start(host.address, sink_address);
    let rest = agent.rest;
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(move || {
                for n in 0..MESSAGES / THREADS {
                    create(rest, "by-smtp", &format!("r{n}@smtp.example"));
                }
            });
        }
    });
    eventually(SOON, || host.seen().open > 0);

    // Nobody listens there yet, so the message is deferred and tried again.
    create(rest, "sink", "again@example.com");
    thread::sleep(Duration::from_secs(1));
    let sink = Collector::listen(sink_address);
    let took = arrival(&sink, "again@example.com");
    assert!(took < MAX_ATTEMPT_TIME + SOON, "{took:?}");
    create(rest, "sink", "first@example.com");
    let took = arrival(&sink, "first@example.com");
    assert!(took < SOON, "{took:?}");

    // All messages are due when the agent starts.
    drop(sink);
    create(rest, "sink", "start@example.com");
    assert!(agent.stop(Duration::from_secs(20)).success());
    let sink = Collector::listen(sink_address);
    agent.restart();
    let took = arrival(&sink, "start@example.com");
    assert!(took < SOON, "{took:?}");
    assert_eq!(host.seen().transactions, 0);
}
