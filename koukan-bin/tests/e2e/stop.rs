//! SIGTERM and SIGINT.

#![allow(clippy::disallowed_methods, reason = "real processes take real time")]

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    thread::sleep,
    time::Duration,
};

use crate::{agent::Agent, client::Client, collector::Collector, process::free_address};

#[test]
fn a_signal_stops_the_agent_in_good_order() {
    for signal in ["TERM", "INT"] {
        let sink = Collector::start();
        let mut agent = Agent::start(sink.address);
        let mut client = Client::connect(agent.ingress).unwrap();
        let sent = client.send("a@example.org", &["b@example.com"], "\r\nhello\r\n");
        assert!(sent.unwrap().is_accepted());
        agent.signal(signal);
        let status = agent.wait(Duration::from_secs(20));
        assert!(status.success(), "{signal}: {status}");
        assert!(Client::connect(agent.ingress).is_err());
    }
}

#[test]
fn an_agent_that_answers_hears_a_signal_already() {
    for _ in 0..10 {
        let mut agent = Agent::start(free_address());
        agent.signal("TERM");
        let status = agent.wait(Duration::from_secs(20));
        assert!(status.success(), "{status}");
    }
}

/// An agent with a client in the middle of a transaction, for which a stop waits five seconds.
fn busy_agent() -> (Agent, TcpStream) {
    let agent = Agent::start(free_address());
    let mut client = TcpStream::connect(agent.submission).unwrap();
    client
        .write_all(b"EHLO c\r\nMAIL FROM:<a@example.org>\r\n")
        .unwrap();
    let mut lines = BufReader::new(client.try_clone().unwrap()).lines();
    // The greeting, the last line of the reply to EHLO, and the reply to MAIL have a blank after
    // the code.
    for _ in 0..3 {
        lines
            .find(|line| line.as_ref().unwrap().as_bytes()[3] == b' ')
            .unwrap()
            .unwrap();
    }
    (agent, client)
}

#[test]
fn signals_at_the_same_time_are_one() {
    let (mut agent, client) = busy_agent();
    for signal in ["TERM", "TERM", "INT"] {
        agent.signal(signal);
    }
    let status = agent.wait(Duration::from_secs(20));
    assert!(status.success(), "{status}");
    drop(client);
}

#[test]
fn a_second_signal_ends_the_process_at_once() {
    let (mut agent, client) = busy_agent();
    agent.signal("TERM");
    sleep(Duration::from_millis(1200));
    agent.signal("TERM");
    let status = agent.wait(Duration::from_secs(20));
    assert_eq!(status.code(), Some(1), "{status}");
    drop(client);
}
