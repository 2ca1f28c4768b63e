//! A destination that greets slowly.

#![allow(clippy::disallowed_methods, reason = "real processes take real time")]

use std::time::{Duration, Instant};

use crate::{
    agent::Agent,
    client::Client,
    host::{Host, Manner},
};

const GREETS_AFTER: Duration = Duration::from_secs(2);

#[test]
fn a_slow_greeting_is_waited_for_once() {
    let host = Host::start(Manner {
        greets_after: GREETS_AFTER,
        ..Manner::default()
    });
    let agent = Agent::start(host.address);
    let to: Vec<_> = (0..10).map(|n| format!("r{n}@example.com")).collect();
    let to: Vec<_> = to.iter().map(String::as_str).collect();
    let begun = Instant::now();
    let mut client = Client::connect(agent.ingress).unwrap();
    // The client waits for the reply to each command.
    let sent = client.send("a@example.org", &to, "\r\nhello\r\n").unwrap();
    assert!(sent.is_accepted(), "{sent:?}");
    assert!(begun.elapsed() < 2 * GREETS_AFTER, "{:?}", begun.elapsed());
    let seen = host.seen();
    assert_eq!((seen.connections, seen.transactions), (1, 1), "{seen:?}");
    assert_eq!(seen.copies.len(), 10);
}
