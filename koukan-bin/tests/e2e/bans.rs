//! What an operator suspends and suppresses at one of several agents over one database holds for all.

use std::{net::SocketAddr, time::Duration};

use serde_json::{Value, json};

use crate::{
    agent::Agent,
    collector::Collector,
    http::{Answer, Request},
    postgres::server,
    process::eventually,
};

/// How soon another agent knows of a change, at most. It refreshes its session much later.
const MOMENTS: Duration = Duration::from_secs(5);

fn ask(at: SocketAddr, method: &str, path: &str) -> Answer {
    Request::new(method, path).send(at).unwrap()
}

/// Sends a message at that agent, and returns what has become of its recipient meanwhile.
fn send(at: SocketAddr, to: &str) -> Value {
    let message = json!({"from": "alice@example.org", "to": to, "text": "hello"});
    let request = Request::new("POST", "/senders/submission/messages").json(&message);
    let sent = request
        .header("Prefer", "wait=20, wait-for=attempt")
        .send(at);
    let sent = sent.unwrap();
    assert_eq!(sent.status, 201, "{}", sent.text);
    sent.json()["recipients"][0].clone()
}

#[test]
fn what_one_agent_suspends_another_holds_back_until_a_third_resumes_it() {
    let (sink, url) = (Collector::start(), server::database());
    let agents = [(); 3].map(|()| Agent::start_suppressing_replica(sink.address, &url));
    let [one, other, third] = agents.each_ref().map(|agent| agent.rest);
    assert_eq!(send(other, "first@example.com")["state"], "delivered");
    let suspended = ask(one, "POST", "/destinations/example.com/suspend");
    assert_eq!(suspended.status, 200, "{}", suspended.text);
    let mut sent = 0;
    let mut held = Vec::new();
    eventually(MOMENTS, || {
        sent += 1;
        let to = format!("held{sent}@example.com");
        let recipient = send(other, &to);
        let is_held = recipient["state"] != "delivered";
        if is_held {
            held.push(to);
            assert!(recipient.to_string().contains("4.3.2"), "{recipient}");
        }
        is_held
    });
    for at in [one, other, third] {
        let shown = ask(at, "GET", "/destinations/example.com").json();
        assert_eq!(shown["state"], "suspended", "{shown}");
    }
    let resumed = ask(third, "POST", "/destinations/example.com/resume");
    assert_eq!(resumed.status, 200, "{}", resumed.text);
    for to in held {
        sink.only_message(&to);
    }
    eventually(MOMENTS, || {
        sent += 1;
        send(other, &format!("later{sent}@example.com"))["state"] == "delivered"
    });
    for at in [one, other, third] {
        let shown = ask(at, "GET", "/destinations/example.com").json();
        assert_eq!(shown["state"], "up", "{shown}");
    }
}

#[test]
fn an_address_that_is_suppressed_at_one_agent_is_refused_by_another_until_a_third_ends_that() {
    let (sink, url) = (Collector::start(), server::database());
    let agents = [(); 3].map(|()| Agent::start_suppressing_replica(sink.address, &url));
    let [one, other, third] = agents.each_ref().map(|agent| agent.rest);
    let path = |address: &str| format!("/senders/submission/suppressions/{address}");
    for (at, address) in [
        (one, "a@example.com"),
        (other, "b@example.com"),
        (third, "c@example.com"),
    ] {
        let kept = ask(at, "PUT", &path(address));
        assert_eq!(kept.status, 200, "{}", kept.text);
    }
    // Asked in turn, they give one list.
    let mut cursor = String::new();
    for (at, address) in [
        (third, "a@example.com"),
        (one, "b@example.com"),
        (other, "c@example.com"),
    ] {
        let list = format!("/senders/submission/suppressions?limit=1{cursor}");
        let listed = ask(at, "GET", &list).json();
        assert_eq!(listed["suppressions"][0]["address"], address, "{listed}");
        cursor = format!("&cursor={address}");
    }
    let refused = |at: SocketAddr| {
        let recipient = send(at, "a@example.com");
        let reply = recipient.to_string();
        recipient["state"] == "failed" && reply.contains("nothing is sent to this address")
    };
    eventually(MOMENTS, || refused(other));
    assert_eq!(ask(third, "DELETE", &path("a@example.com")).status, 200);
    for at in [one, other, third] {
        assert_eq!(ask(at, "DELETE", &path("a@example.com")).status, 404);
        assert_eq!(ask(at, "GET", &path("a@example.com")).status, 404);
        assert_eq!(send(at, "a@example.com")["state"], "delivered");
    }
}
