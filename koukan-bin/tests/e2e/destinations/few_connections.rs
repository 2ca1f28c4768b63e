//! A destination that serves few connections at the same time, and refuses others with that reason.

use std::{net::SocketAddr, thread, time::Duration};

use crate::{
    agent::Agent,
    client::Client,
    host::{Host, Manner},
    process::eventually,
};

use super::deferred;

const MESSAGES: usize = 20;
const RECIPIENTS: usize = 20;

fn host() -> Host {
    Host::start(Manner {
        connections: 3,
        ..Manner::default()
    })
}

/// Sends all messages at the same time; each must be accepted for all its recipients.
fn send_all(server: SocketAddr) {
    let send = |message: usize| {
        let to: Vec<_> = (0..RECIPIENTS)
            .map(|recipient| format!("m{message}r{recipient}@example.com"))
            .collect();
        let to: Vec<_> = to.iter().map(String::as_str).collect();
        let mut client = Client::connect(server).unwrap();
        let sent = match message.is_multiple_of(2) {
            true => client.send("a@example.org", &to, "\r\nhello\r\n"),
            false => client.send_pipelined("a@example.org", &to, "\r\nhello\r\n"),
        };
        let sent = sent.unwrap();
        let is_taken = sent.rcpts.iter().all(|reply| reply.starts_with("250"));
        assert!(is_taken && sent.is_accepted(), "{sent:?}");
    };
    thread::scope(|scope| {
        for message in 0..MESSAGES {
            scope.spawn(move || send(message));
        }
    });
}

/// Waits until everything has arrived. Nothing else may come, such as a notification of failure.
fn all_came_once(host: &Host, agent: &Agent) {
    let all = MESSAGES * RECIPIENTS;
    eventually(Duration::from_secs(60), || host.seen().copies.len() >= all);
    let seen = host.seen();
    assert_eq!(seen.copies.len(), all);
    assert!(seen.copies.values().all(|copies| *copies == 1), "{seen:?}");
    assert_eq!(deferred(agent), 0);
}

#[test]
fn an_agent_that_sends_again_is_told_of_nothing() {
    let host = host();
    let agent = Agent::start(host.address);
    send_all(agent.ingress);
    all_came_once(&host, &agent);
}

#[test]
fn what_users_submit_is_not_put_off() {
    let host = host();
    let agent = Agent::start(host.address);
    send_all(agent.submission);
    all_came_once(&host, &agent);
    // The same again, with the connections that were kept.
    let before = host.seen().turned_away;
    let mut client = Client::connect(agent.submission).unwrap();
    let sent = client.send("a@example.org", &["b@example.com"], "\r\nhello\r\n");
    assert!(sent.unwrap().is_accepted());
    eventually(Duration::from_secs(60), || {
        host.seen().copies.contains_key("b@example.com")
    });
    assert_eq!(host.seen().turned_away, before);
    assert_eq!(deferred(&agent), 0);
}
