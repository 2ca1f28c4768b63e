//! An agent that has no file descriptor left.

#![allow(clippy::disallowed_methods, reason = "real processes take real time")]

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    thread::sleep,
    time::Duration,
};

use crate::{
    agent::Agent, client::Client, collector::Collector, http::Request, process::eventually,
};

const DESCRIPTORS: usize = 96;
const LIMIT: Duration = Duration::from_secs(30);

#[test]
fn smtp_waits_for_descriptors_and_goes_on() {
    waits_and_goes_on(|agent| agent.ingress);
}

#[test]
fn rest_waits_for_descriptors_and_goes_on() {
    waits_and_goes_on(|agent| agent.rest);
}

fn waits_and_goes_on(address: impl Fn(&Agent) -> SocketAddr) {
    let sink = Collector::start();
    let agent = Agent::start_with_descriptors(sink.address, DESCRIPTORS as u32);
    // The system takes them all.
    let idle: Vec<_> = (0..2 * DESCRIPTORS)
        .map(|_| TcpStream::connect(address(&agent)).unwrap())
        .collect();
    // What it has from its parent may lie above the limit.
    eventually(LIMIT, || descriptors(&agent) >= DESCRIPTORS);
    let before = processor_ticks(&agent);
    sleep(Duration::from_secs(1));
    let used = processor_ticks(&agent) - before;
    // Of a hundred in a second.
    assert!(used < 40, "it spins: {used} ticks");
    assert!(descriptors(&agent) >= DESCRIPTORS);

    drop(idle);
    eventually(LIMIT, || {
        let ready = Request::get("/readyz").send(agent.rest);
        ready.is_ok_and(|answer| answer.status == 200)
    });
    let mut client = Client::connect(agent.ingress).unwrap();
    let sent = client.send("a@example.org", &["b@example.com"], "\r\nhello\r\n");
    assert!(sent.unwrap().is_accepted());
    sink.only_message("b@example.com");
}

/// How many files and connections it has open.
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
