//! A queue is moved from SQLite to PostgreSQL, and delivered from there.

use std::{
    fs,
    process::{Command, Output},
};

use serde_json::Value;

use crate::{
    agent::Agent, client::Client, collector::Collector, postgres::server, process::free_address,
};

const BODY: &str = "\r\nhi\r\n";

#[test]
fn an_agent_on_postgresql_delivers_what_one_on_sqlite_has_queued() {
    let sink_address = free_address();
    let url = server::database();
    let mut agent = Agent::start(sink_address);
    let mut client = Client::connect(agent.submission).unwrap();
    let recipients: Vec<_> = (0..20).map(|n| format!("r{n}@example.com")).collect();
    for to in &recipients {
        let sent = client.send("a@example.org", &[to], BODY).unwrap();
        assert!(sent.is_accepted(), "{to}");
    }
    let config = agent.directory().join("koukan.yaml");
    let text = fs::read_to_string(&config).unwrap();
    let sqlite = text.lines().find(|line| line.contains("sqlite:")).unwrap();
    let from = sqlite.trim().replace(": ", ":");
    let postgres = format!("  postgres: {{ url: \"{url}\" }}");
    let moving = agent.directory().join("moving.yaml");
    fs::write(&moving, text.replace(sqlite, &postgres)).unwrap();
    let migrate = |more: &[&str]| -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_koukan"));
        command.args(["migrate", "--config"]).arg(&moving);
        command.args(["--from", &from, "--json"]).args(more);
        command.output().unwrap()
    };
    let refused = migrate(&["--apply"]);
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(
        !refused.status.success() && told.contains("in use by another process"),
        "{told}"
    );
    agent.kill();
    let moved = migrate(&["--apply"]);
    let told = String::from_utf8_lossy(&moved.stderr);
    assert!(moved.status.success(), "{told}");
    let moved: Value = serde_json::from_slice(&moved.stdout).unwrap();
    assert_eq!(moved["unfinished"], 20, "{moved}");
    let again = migrate(&[]);
    let told = String::from_utf8_lossy(&again.stderr);
    assert!(
        !again.status.success() && told.contains("is not empty"),
        "{told}"
    );
    let sink = Collector::listen(sink_address);
    let _other = Agent::start_on_postgres(sink_address, &url);
    for to in &recipients {
        sink.only_message(to);
    }
}
