//! Destinations that accept connections and then send nothing.

use std::{net::TcpListener, time::Duration};

use crate::{
    client::Client,
    collector::Collector,
    process::{eventually, free_address},
};

use super::{
    operated::{json, told},
    setup::Agent,
};

/// More than the database has readers.
const HUNG: usize = 8;

#[test]
fn what_hangs_holds_up_neither_others_nor_readers_nor_the_stop() {
    // Nobody calls `accept`: the system completes the connections, and nothing is ever sent.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let sink_address = free_address();
    let mut agent = Agent::start(silent.local_addr().unwrap(), sink_address);
    let mut client = Client::connect(agent.submission).unwrap();
    let message = format!("Subject: hi\r\n\r\n{}", "hello\r\n".repeat(20_000));
    for number in 0..HUNG {
        for domain in ["smtp.example", "rest.example"] {
            let to = format!("m{number}@{domain}");
            let sent = client.send("a@example.org", &[&to], &message).unwrap();
            assert!(sent.is_accepted(), "{sent:?}");
        }
    }
    let sent = client.send("a@example.org", &["fine@example.com"], &message);
    assert!(sent.unwrap().is_accepted());
    drop(client);

    // Attempts that hang do not delay the end, and their leases are given back.
    let status = agent.stop(Duration::from_secs(10));
    assert!(status.success(), "{status}");
    agent.restart();

    let sink = Collector::listen(sink_address);
    eventually(Duration::from_secs(20), || {
        sink.messages("fine@example.com").len() == 1
    });
    let (status, text) = agent.get("/readyz");
    assert_eq!(status, 200, "{text}");
    for sender in ["by-smtp", "by-rest"] {
        let path = format!("/senders/{sender}/transactions?state=active&limit=100");
        let (status, text) = agent.get(&path);
        assert_eq!(status, 200, "{text}");
        let start = text.find("/transactions/").expect("one is under way");
        let id = text[start..].split(['/', '"']).nth(2).unwrap();
        let (status, text) = agent.get(&format!("/transactions/{id}"));
        assert_eq!(status, 200, "{text}");
    }
    let status = agent.stop(Duration::from_secs(10));
    assert!(status.success(), "{status}");
}

/// Two recipients are attempted together. One of them is cancelled, then the other.
#[test]
fn what_hangs_is_cancelled_within_the_command() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let agent = Agent::start(silent.local_addr().unwrap(), free_address());
    let mut client = Client::connect(agent.submission).unwrap();
    let to = ["a@smtp.example", "b@smtp.example"];
    let sent = client.send("alice@example.org", &to, "Subject: hi\r\n\r\nhello\r\n");
    assert!(sent.unwrap().is_accepted());
    drop(client);
    let active = || {
        let listed = json(&agent, &["list", "--state", "active"]);
        let listed = listed["transactions"].as_array().unwrap().iter();
        let ids = listed.map(|one| one["id"].as_str().unwrap().to_owned());
        ids.collect::<Vec<_>>()
    };
    eventually(Duration::from_secs(20), || active().len() == 2);
    let [first, second] = <[String; 2]>::try_from(active()).unwrap();
    // Otherwise the attempt could go on for minutes.
    told(&agent, &["cancel", &first]);
    eventually(Duration::from_secs(5), || active() == [second.as_str()]);
    told(&agent, &["cancel", &second]);
    eventually(Duration::from_secs(5), || active().is_empty());
}
