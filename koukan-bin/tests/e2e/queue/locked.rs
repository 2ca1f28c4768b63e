//! A database that another process keeps locked.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    time::Duration,
};

use crate::{
    client::Client,
    collector::Collector,
    process::{Process, eventually},
};

use super::setup::Agent;

const LOCK: &str = "
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute('BEGIN IMMEDIATE')
print('locked', flush=True)
time.sleep(600)
";

#[test]
fn readiness_is_lost_while_the_database_is_locked() {
    let sink = Collector::start();
    let agent = Agent::start(sink.address, sink.address);
    eventually(Duration::from_secs(10), || agent.get("/readyz").0 == 200);
    let mut python = Command::new("python3");
    python.args(["-c", LOCK]).arg(agent.database());
    let (mut lock, output) = Process::start_with_output(python.stdout(Stdio::piped()));
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line).unwrap();
    assert_eq!(line, "locked\n");

    eventually(Duration::from_secs(15), || agent.get("/readyz").0 == 503);
    let (_, text) = agent.get("/readyz");
    assert!(text.contains("storage: "), "{text}");
    assert!(text.contains("works: "), "{text}");
    assert_eq!(agent.get("/healthz").0, 200);
    // As the readiness says, everything works that needs no storage.
    let mut client = Client::connect(agent.submission).unwrap();
    let sent = client.send("a@example.org", &["b@example.com"], "\r\nhello\r\n");
    assert!(sent.unwrap().is_accepted());

    lock.kill();
    eventually(Duration::from_secs(20), || agent.get("/readyz").0 == 200);
}
