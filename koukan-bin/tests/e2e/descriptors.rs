//! An agent with few file descriptors, and clients that try to take all of them.

#![allow(clippy::disallowed_methods, reason = "real processes take real time")]

use std::{
    fs,
    io::Read,
    thread::sleep,
    time::{Duration, Instant},
};

use crate::{
    agent::Agent, client::Client, collector::Collector, hostile, http::Request, process::eventually,
};

/// Delivers a message from another client while the others keep their connections.
fn delivers(agent: &Agent, sink: &Collector, to: &str) {
    let begun = Instant::now();
    let mut client = Client::connect(agent.ingress).unwrap();
    let sent = client.send("a@example.org", &[to], "\r\nhello\r\n");
    assert!(sent.unwrap().is_accepted());
    sink.only_message(to);
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    let ready = Request::get("/readyz").send(agent.rest).unwrap();
    assert_eq!(ready.status, 200);
}

#[test]
fn a_thousand_idle_connections_to_rest_leave_mail_alone() {
    let sink = Collector::start();
    let agent = Agent::start_with_descriptors(sink.address, 1024);
    let held = hostile::connections(agent.rest, 1000);
    delivers(&agent, &sink, "b@example.com");
    // A client that wants more than its share is told so.
    let refused = held.iter().rev().take(5).filter(|connection| {
        let mut connection = *connection;
        let mut answer = Vec::new();
        let _ = connection.read_to_end(&mut answer);
        answer.is_empty() || answer.starts_with(b"HTTP/1.1 503 ")
    });
    assert_eq!(refused.count(), 5);
    assert!(descriptors(&agent) < 700);
}

#[test]
fn the_fewest_are_enough_for_everybody() {
    const DESCRIPTORS: usize = 96;
    let sink = Collector::start();
    let agent = Agent::start_with_descriptors(sink.address, DESCRIPTORS as u32);
    let listeners = [agent.rest, agent.ingress, agent.submission];
    let held = listeners.map(|server| hostile::connections(server, DESCRIPTORS));
    delivers(&agent, &sink, "b@example.com");
    let before = processor_ticks(&agent);
    sleep(Duration::from_secs(1));
    let used = processor_ticks(&agent) - before;
    // A second has a hundred ticks.
    assert!(used < 40, "it spins: {used} ticks");
    let many = descriptors(&agent);
    assert!(many < DESCRIPTORS);
    drop(held);
    // The agent learns of one after another that it has gone.
    eventually(Duration::from_secs(30), || descriptors(&agent) + 12 <= many);
    delivers(&agent, &sink, "c@example.com");
}

#[test]
fn the_limit_is_raised_as_far_as_it_may_be() {
    let sink = Collector::start();
    let agent = Agent::start_with_descriptors(sink.address, 512);
    let limits = || fs::read_to_string(format!("/proc/{}/limits", agent.id())).unwrap();
    let of_files = |text: String| {
        let line = text.lines().find(|line| line.starts_with("Max open files"));
        let words = line.unwrap().split_whitespace().map(str::to_owned);
        words.skip(3).take(2).collect::<Vec<_>>()
    };
    assert_eq!(of_files(limits()), ["512", "512"]);
    let agent = Agent::start_with_soft_descriptors(sink.address, 64);
    let limits = fs::read_to_string(format!("/proc/{}/limits", agent.id())).unwrap();
    let limits = of_files(limits);
    assert_eq!(limits[0], limits[1]);
    assert_ne!(limits[0], "64");
    delivers(&agent, &sink, "d@example.com");
}

/// How many files and connections the agent has open.
fn descriptors(agent: &Agent) -> usize {
    let open = fs::read_dir(format!("/proc/{}/fd", agent.id()));
    open.unwrap().count()
}

/// Processor time so far, user and system.
fn processor_ticks(agent: &Agent) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", agent.id())).unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks = fields.split_whitespace().skip(11).take(2);
    ticks.map(|ticks| ticks.parse::<u64>().unwrap()).sum()
}
