//! Agents on PostgreSQL.

#[path = "../../../koukan-storage/tests/support/postgres.rs"]
pub(crate) mod server;

use std::thread;

use crate::{
    agent::Agent, client::Client, collector::Collector, http::Request, process::free_address,
};

use self::server::{Durability, Server};

const BODY: &str = "\r\nhi\r\n";

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let sink_address = free_address();
    let url = server::database();
    let mut agent = Agent::start_on_postgres(sink_address, &url);
    let mut client = Client::connect(agent.submission).unwrap();
    let recipients: Vec<_> = (0..20).map(|n| format!("r{n}@example.com")).collect();
    for to in &recipients {
        let sent = client.send("a@example.org", &[to], BODY).unwrap();
        assert!(sent.is_accepted(), "{to}");
    }
    agent.kill();
    let kept = server::execute(
        &url,
        "SELECT count(*) FROM transactions WHERE final_reason IS NULL",
    );
    assert_eq!(kept.trim(), "20");
    let sink = Collector::listen(sink_address);
    agent.restart();
    for to in &recipients {
        sink.only_message(to);
    }
    let ready = Request::get("/readyz").send(agent.rest).unwrap();
    assert_eq!(ready.status, 200, "{}", ready.text);
}

#[test]
fn another_agent_takes_over_from_one_that_is_killed() {
    let sink_address = free_address();
    let url = server::database();
    let mut killed = Agent::start_on_postgres(sink_address, &url);
    let mut client = Client::connect(killed.submission).unwrap();
    let sent = client
        .send("a@example.org", &["b@example.com"], BODY)
        .unwrap();
    assert!(sent.is_accepted());
    let _other = Agent::start_on_postgres(sink_address, &url);
    killed.kill();
    let sink = Collector::listen(sink_address);
    sink.only_message("b@example.com");
}

#[test]
fn a_server_that_is_started_again_costs_time_and_no_mail() {
    let mut server = Server::start(Durability::Full);
    let sink_address = free_address();
    let agent = Agent::start_on_postgres(sink_address, &server.database());
    let mut client = Client::connect(agent.submission).unwrap();
    let sent = client
        .send("a@example.org", &["before@example.com"], BODY)
        .unwrap();
    assert!(sent.is_accepted());
    server.crash();
    let sending = thread::spawn(move || {
        let sent = client.send("a@example.org", &["meanwhile@example.com"], BODY);
        sent.unwrap().is_accepted()
    });
    server.restart();
    assert!(sending.join().unwrap(), "it was told that it failed");
    let sink = Collector::listen(sink_address);
    for to in ["before@example.com", "meanwhile@example.com"] {
        sink.only_message(to);
    }
}
