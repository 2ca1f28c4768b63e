//! A client that holds all connections to a destination and sends no message.

#![allow(clippy::disallowed_methods, reason = "real processes take real time")]
#![allow(clippy::print_stdout, reason = "how long it took is of interest")]

use std::{
    io::{Read, Write},
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    agent::Agent,
    client::Client,
    host::{Host, Manner},
    hostile,
    http::Request,
    process::eventually,
};

const SILENT: usize = 100;
/// A client without connections comes before one that has all of them and sends no message. This
/// time is less than the ten seconds for which the second one would be waited for if it had no more
/// than its share.
const LIMIT: Duration = Duration::from_secs(2);

/// Delivers a message from another client; returns how long that took.
fn deliver(agent: &Agent, host: &Host, to: &str) -> Duration {
    let begun = Instant::now();
    let mut client = Client::connect(agent.ingress).unwrap();
    let sent = client
        .send("a@example.org", &[to], "\r\nhello\r\n")
        .unwrap();
    assert!(sent.is_accepted(), "{sent:?}");
    assert_eq!(host.seen().copies[to], 1);
    let took = begun.elapsed();
    println!("another client's message took {took:?}");
    took
}

#[test]
fn sessions_that_stop_after_rcpt_leave_connections_to_others() {
    let host = Host::start(Manner::default());
    let agent = Agent::start(host.address);
    let connections = hostile::connections(agent.ingress, SILENT);
    let mut silent: Vec<_> = connections
        .into_iter()
        .map(|connection| Client::over(connection).unwrap())
        .collect();
    for (n, client) in silent.iter_mut().enumerate() {
        let reply = client.command("MAIL FROM:<a@example.org>").unwrap();
        assert!(reply.starts_with("250"), "{reply}");
        let rcpt = format!("RCPT TO:<silent{n}@example.com>");
        let reply = client.command(&rcpt).unwrap();
        assert!(reply.starts_with("250"), "{n}: {reply}");
    }
    let took = deliver(&agent, &host, "first@example.com");
    assert!(took < LIMIT, "{took:?}");
    // All of them are still connected, and send their messages.
    for (n, client) in silent.iter_mut().enumerate() {
        let reply = client.command("DATA").unwrap();
        assert!(reply.starts_with("354"), "{n}: {reply}");
        let reply = client.command("\r\nhello\r\n.").unwrap();
        assert!(reply.starts_with("250"), "{n}: {reply}");
    }
    assert_eq!(host.seen().copies.len(), SILENT + 1);
}

#[test]
fn drafts_without_a_message_leave_connections_to_others() {
    let host = Host::start(Manner::default());
    let agent = Agent::start(host.address);
    let mut drafts = Vec::new();
    for (n, mut connection) in hostile::connections(agent.rest, SILENT)
        .into_iter()
        .enumerate()
    {
        let draft = json!({
            "mail_from": { "m": "a@example.org" },
            "rcpt_to": [{ "m": format!("silent{n}@example.com") }],
        });
        let draft = draft.to_string();
        let head = format!(
            "POST /senders/submission/transactions HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            agent.rest,
            draft.len()
        );
        connection.write_all((head + &draft).as_bytes()).unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 201"), "{n}: {answer}");
        let at = answer.find("/transactions/").unwrap();
        let end = answer[at..].find(['"', '\r']).unwrap();
        drafts.push(answer[at..at + end].to_owned());
    }
    eventually(Duration::from_secs(20), || host.seen().recipients >= SILENT);
    let took = deliver(&agent, &host, "first@example.com");
    assert!(took < LIMIT, "{took:?}");
    // All of them still exist, and get their messages.
    for draft in &drafts {
        let body = format!("{draft}/body");
        let upload = Request::new("PUT", &body).content(b"\r\nhello\r\n");
        let answer = upload.send(agent.rest).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    eventually(Duration::from_secs(60), || {
        host.seen().copies.len() == SILENT + 1
    });
}
