//! One message for many recipients, through another agent by HTTP.

use std::time::Duration;

use crate::{
    client::Client,
    host::{Host, Manner},
    process::eventually,
};

use super::setup::{Agent, Shape};

const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";

/// The router gives the gateway one transaction with all recipients, and the gateway does the same
/// with the host.
fn many_recipients_are_one_transaction(shape: Shape) {
    let host = Host::start(Manner::default());
    let agent = Agent::start(shape, host.address);
    let mut to: Vec<_> = (0..30).map(|n| format!("r{n}@example.com")).collect();
    to.insert(10, "no@example.com".into());
    let to: Vec<_> = to.iter().map(String::as_str).collect();
    let mut client = Client::connect(agent.ingress).unwrap();
    let sent = client
        .send_pipelined("a@example.org", &to, MESSAGE)
        .unwrap();
    assert!(sent.is_accepted(), "{sent:?}");
    for (to, reply) in to.iter().zip(&sent.rcpts) {
        let expected = if *to == "no@example.com" {
            "550 5.1.1"
        } else {
            "250"
        };
        assert!(reply.starts_with(expected), "{to}: {reply}");
    }
    eventually(Duration::from_secs(20), || host.seen().copies.len() == 30);
    let seen = host.seen();
    assert_eq!(seen.transactions, 1, "{seen:?}");
    assert_eq!(seen.refused["no@example.com"], 1);
}

#[test]
fn loopback_many() {
    many_recipients_are_one_transaction(Shape::Loopback);
}

#[test]
fn split_many() {
    many_recipients_are_one_transaction(Shape::Split);
}
