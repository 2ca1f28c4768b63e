//! A destination with rules of its own in the configuration.

#![allow(clippy::disallowed_methods, reason = "real processes take real time")]

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    agent::Agent,
    client::Client,
    host::{Host, Manner},
    http::Request,
    process::eventually,
};

const MESSAGES: usize = 30;

/// Sends messages at the same time through an agent with a rule for the host; all must arrive.
fn send_all(host: &Host, rule: &str) {
    let rules = format!(
        "destination:\n  - {{ host: \"{}\", {rule} }}\n",
        host.address
    );
    let agent = Agent::start_with(host.address, &rules);
    thread::scope(|scope| {
        for message in 0..MESSAGES {
            let agent = &agent;
            scope.spawn(move || {
                let mut client = Client::connect(agent.ingress).unwrap();
                let to = format!("m{message}@example.com");
                let sent = client.send("a@example.org", &[&to], "\r\nhello\r\n");
                assert!(sent.unwrap().is_accepted());
            });
        }
    });
    eventually(Duration::from_secs(60), || {
        host.seen().copies.len() == MESSAGES
    });
}

#[test]
fn a_host_gets_no_more_connections_than_its_rule_says() {
    let host = Host::start(Manner {
        connections: 2,
        ..Manner::default()
    });
    send_all(&host, "connections: 2");
    // With one connection more, one would have been turned away.
    assert_eq!(host.seen().turned_away, 0);
}

#[test]
fn a_connection_takes_no_more_messages_than_its_rule_says() {
    let host = Host::start(Manner::default());
    send_all(&host, "connections: 1, messages_per_connection: 3");
    let seen = host.seen();
    assert!(seen.connections >= MESSAGES / 3, "{seen:?}");
}

#[test]
fn a_host_gets_as_many_messages_in_a_time_as_its_rule_says() {
    let host = Host::start(Manner::default());
    let rule = format!(
        "destination: [{{ host: \"{}\", rate: 4/s }}]\n",
        host.address
    );
    let agent = Agent::start_with(host.address, &rule);
    let begun = Instant::now();
    thread::scope(|scope| {
        for message in 0..MESSAGES {
            let agent = &agent;
            scope.spawn(move || {
                let mut client = Client::connect(agent.submission).unwrap();
                let to = format!("m{message}@example.com");
                let sent = client.send("a@example.org", &[&to], "\r\nhello\r\n");
                assert!(sent.unwrap().is_accepted());
            });
        }
    });
    eventually(Duration::from_secs(60), || {
        host.seen().copies.len() == MESSAGES
    });
    // The first four are sent at once, then four a second: the last two in the eighth second.
    assert!(begun.elapsed() >= Duration::from_secs(7));
    assert_eq!(host.seen().transactions, MESSAGES);
    let path = format!("/destinations/{}", host.address);
    let shown = Request::get(&path).send(agent.rest).unwrap().json();
    let limits = &shown["limits"];
    assert_eq!(limits["host"], host.address.to_string(), "{shown}");
    assert_eq!(limits["connections"], limits["max_connections"], "{shown}");
    assert_eq!(limits["rate"], json!({"messages": 4, "seconds": 1.0}));
}

#[test]
fn mail_for_a_domain_is_tried_as_often_as_its_rule_says() {
    let host = Host::start(Manner::default());
    let rules = "destination:\n  - { domain: once.example, retry: { max_attempts: 1 } }\n";
    let agent = Agent::start_with(host.address, rules);
    let mut client = Client::connect(agent.submission).unwrap();
    let to = ["later@once.example", "later@others.example"];
    let sent = client.send("a@example.org", &to, "\r\nhello\r\n");
    assert!(sent.unwrap().is_accepted());
    eventually(Duration::from_secs(60), || {
        let copies = host.seen().copies;
        // The sender is notified about one recipient, and the other message arrives.
        copies.contains_key("a@example.org") && copies.contains_key("later@others.example")
    });
    assert!(!host.seen().copies.contains_key("later@once.example"));
}

#[test]
fn a_host_gets_as_many_recipients_at_a_time_as_its_rule_says() {
    let host = Host::start(Manner::default());
    let rules = format!(
        "destination:\n  - {{ host: \"{}\", recipients_per_transaction: 20 }}\n",
        host.address
    );
    let agent = Agent::start_with(host.address, &rules);
    let mut client = Client::connect(agent.ingress).unwrap();
    let to: Vec<_> = (0..100).map(|n| format!("r{n}@example.com")).collect();
    let to: Vec<_> = to.iter().map(String::as_str).collect();
    let sent = client.send_pipelined("a@example.org", &to, "\r\nhello\r\n");
    assert!(sent.unwrap().is_accepted());
    let seen = host.seen();
    assert_eq!((seen.copies.len(), seen.transactions), (100, 5), "{seen:?}");
}
