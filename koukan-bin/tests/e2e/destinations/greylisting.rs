//! A destination that greylists: it refuses who comes for the first time, and takes who comes again soon.

use std::time::Duration;

use crate::{
    agent::Agent,
    client::Client,
    host::{Host, Manner},
    process::eventually,
};

/// Long before the usual time between attempts.
#[test]
fn who_greylists_is_asked_again_soon() {
    let host = Host::start(Manner::default());
    let retry = "{ first_retry: 1s, min_attempt_time: 10m, max_attempt_time: 20m }";
    let agent = Agent::start_with_retry(host.address, retry);
    let mut client = Client::connect(agent.submission).unwrap();
    let to = ["later1@example.com", "later2@example.com"];
    let sent = client.send("a@example.org", &to, "\r\nhello\r\n");
    assert!(sent.unwrap().is_accepted());
    assert_eq!(host.seen().refused.len(), 2, "{:?}", host.seen());
    eventually(Duration::from_secs(60), || host.seen().copies.len() == 2);
    let seen = host.seen();
    assert!(seen.copies.values().all(|copies| *copies == 1), "{seen:?}");
    assert!(
        seen.refused.values().all(|refused| *refused == 1),
        "{seen:?}"
    );
}
