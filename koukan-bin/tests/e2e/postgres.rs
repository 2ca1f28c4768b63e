//! Agents on PostgreSQL.

#[path = "../../../koukan-storage/tests/support/postgres.rs"]
pub(crate) mod server;

use std::{process::Command, thread, time::Duration};

use tokio::time::Instant;

use crate::{
    agent::Agent,
    client::Client,
    collector::Collector,
    http::Request,
    process::{eventually, free_address},
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

#[test]
fn who_sends_while_the_server_is_away_is_told_so_in_time_and_sends_again() {
    let mut server = Server::start(Durability::None);
    let sink_address = free_address();
    let settings = "session_term: 2s, patience: 1s";
    let agent = Agent::start_on_postgres_with(sink_address, &server.database(), settings);
    server.crash();
    let attempt = |number: usize| {
        let begun = Instant::now();
        let mut client = Client::connect(agent.submission).unwrap();
        let to = format!("refused{number}@example.com");
        let sent = client.send("a@example.org", &[&to], BODY).unwrap();
        let reply = sent.message.unwrap();
        assert!(reply.starts_with("45"), "{reply}");
        begun.elapsed()
    };
    // The client's own patience is a minute. A few at the same time, and one after the other.
    let longest = thread::scope(|scope| {
        let many: Vec<_> = (0..8)
            .map(|number| scope.spawn(move || attempt(number)))
            .collect();
        many.into_iter()
            .map(|one| one.join().unwrap())
            .max()
            .unwrap()
    });
    let later = (8..11).map(attempt).max().unwrap();
    assert!(
        longest.max(later) < Duration::from_secs(20),
        "{longest:?}, {later:?}"
    );
    server.restart();
    eventually(Duration::from_secs(20), || {
        let ready = Request::get("/readyz").send(agent.rest);
        ready.is_ok_and(|ready| ready.status == 200)
    });
    let sink = Collector::listen(sink_address);
    let mut client = Client::connect(agent.submission).unwrap();
    let sent = client.send("a@example.org", &["again@example.com"], BODY);
    assert!(sent.unwrap().is_accepted());
    sink.only_message("again@example.com");
    for number in 0..11 {
        let sent = sink.messages(&format!("refused{number}@example.com"));
        assert!(sent.is_empty(), "{number}");
    }
}

#[test]
fn the_queue_of_stopped_agents_is_seen_and_an_address_forgotten() {
    let url = server::database();
    let mut agent = Agent::start_on_postgres(free_address(), &url);
    let mut client = Client::connect(agent.submission).unwrap();
    let sent = client.send("a@example.org", &["b@example.com"], BODY);
    assert!(sent.unwrap().is_accepted());
    drop(client);
    agent.kill();
    let config = agent.directory().join("koukan.yaml");
    let run_with = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_koukan"));
        let output = command
            .args(arguments)
            .arg("--config")
            .arg(&config)
            .output();
        let output = output.unwrap();
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        (
            output.status.success(),
            printed + &String::from_utf8_lossy(&output.stderr),
        )
    };
    let (is_done, listed) = run_with(&["queue", "list"]);
    assert!(is_done && listed.contains("b@example.com"), "{listed}");
    let (is_done, told) = run_with(&["queue", "cancel", "--all"]);
    assert!(!is_done && told.contains("only a running agent"), "{told}");
    let (is_done, told) = run_with(&["forget", "--erase", "b@example.com"]);
    assert!(is_done && told.contains("erased 0 of 1 messages"), "{told}");
    let copy = agent.directory().join("copy").display().to_string();
    let (is_done, told) = run_with(&["backup", &copy]);
    assert!(
        !is_done && told.starts_with("koukan: the database is PostgreSQL's"),
        "{told}"
    );
}
