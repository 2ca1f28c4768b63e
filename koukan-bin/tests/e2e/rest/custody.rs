//! Custody of what the destination defers, taken through HTTP.

use std::time::Duration;

use crate::{
    client::Client,
    host::{Host, Manner},
    process::eventually,
};

use super::setup::{Agent, Shape};

const TIMES: usize = 20;

/// All recipients are deferred, so the message is kept once, for all of them.
fn what_is_put_off_is_kept(shape: Shape, recipients: usize) {
    let host = Host::start(Manner::default());
    let agent = Agent::start(shape, host.address);
    let mut client = Client::connect(agent.submission).unwrap();
    for time in 0..TIMES {
        let to: Vec<_> = (0..recipients)
            .map(|n| format!("later{time}x{n}@example.com"))
            .collect();
        let to: Vec<_> = to.iter().map(String::as_str).collect();
        let lines = [1, 5_000][time % 2];
        let message = format!(
            "Subject: hi\r\n\r\n{}",
            "hello to all of you\r\n".repeat(lines)
        );
        let sent = match time % 4 < 2 {
            true => client.send("a@example.org", &to, &message),
            false => client.send_pipelined("a@example.org", &to, &message),
        };
        let sent = sent.unwrap();
        assert!(sent.is_accepted(), "{time}: {sent:?}");
    }
    let all = TIMES * recipients;
    eventually(Duration::from_secs(60), || host.seen().copies.len() >= all);
    let seen = host.seen();
    assert_eq!(seen.copies.len(), all);
    assert!(seen.copies.values().all(|copies| *copies == 1), "{seen:?}");
}

#[test]
fn for_one_by_router_and_gateway() {
    what_is_put_off_is_kept(Shape::Split, 1);
}

#[test]
fn for_five_by_router_and_gateway() {
    what_is_put_off_is_kept(Shape::Split, 5);
}

#[test]
fn for_one_in_one_process() {
    what_is_put_off_is_kept(Shape::Loopback, 1);
}

#[test]
fn for_five_in_one_process() {
    what_is_put_off_is_kept(Shape::Loopback, 5);
}
