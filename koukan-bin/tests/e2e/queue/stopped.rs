//! The queue of a stopped agent.

use std::{fs, path::Path, process::Command, time::Duration};

use serde_json::Value;

use crate::{
    client::Client,
    peers::run,
    process::{eventually, free_address},
};

use super::setup::Agent;

fn queue(config: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_koukan"));
    command
        .arg("queue")
        .args(arguments)
        .arg("--config")
        .arg(config);
    command
}

fn json(config: &Path, arguments: &[&str]) -> Value {
    serde_json::from_str(&run(queue(config, arguments).arg("--json"))).unwrap()
}

fn complaint(mut command: Command) -> String {
    let output = command.output().unwrap();
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn what_is_queued_can_be_seen_and_not_changed() {
    let [host, sink] = [(); 2].map(|()| free_address());
    let mut agent = Agent::start(host, sink);
    let mut client = Client::connect(agent.submission).unwrap();
    for to in ["a@smtp.example", "b@example.com"] {
        let sent = client.send("alice@example.org", &[to], "Subject: hi\r\n\r\nhello\r\n");
        assert!(sent.unwrap().is_accepted());
    }
    drop(client);
    let config = agent.config().to_owned();
    let listed = || json(&config, &["list"])["transactions"].clone();
    let is_attempted = |one: &Value| one["attempt_count"].as_u64() > Some(0);
    // The command also works while the agent runs.
    eventually(Duration::from_secs(20), || {
        let listed = listed();
        let all = listed.as_array().unwrap();
        all.len() == 2 && all.iter().all(is_attempted)
    });
    agent.stop(Duration::from_secs(10));
    let database = fs::read(agent.database()).unwrap();

    let all = json(&config, &["list", "--to", "a@smtp.example"]);
    let id = all["transactions"][0]["id"].as_str().unwrap();
    assert_eq!(all["transactions"].as_array().unwrap().len(), 1, "{all}");
    let shown = json(&config, &["show", id]);
    assert!(!shown["attempts"].as_array().unwrap().is_empty(), "{shown}");
    assert!(run(&mut queue(&config, &["show", id])).contains("a@smtp.example"));
    let message = run(&mut queue(&config, &["message", id]));
    assert!(
        message.ends_with("Subject: hi\r\n\r\nhello\r\n"),
        "{message}"
    );

    let error = complaint(queue(&config, &["retry", id]));
    assert!(error.contains("koukan run --config"), "{error}");
    let error = complaint(queue(&config, &["cancel", "--all"]));
    assert!(error.contains("only a running agent"), "{error}");
    let error = complaint(queue(&config, &["show", "nonsense"]));
    assert!(error.contains("there is no such transaction"), "{error}");
    let mut both = queue(&config, &["list"]);
    both.args(["--url", "http://127.0.0.1:1"]);
    assert!(complaint(both).contains("cannot be used with"));

    assert_eq!(fs::read(agent.database()).unwrap(), database);
    // Reading the queue prevents no agent from starting, and leases nothing.
    agent.restart();
    assert_eq!(listed().as_array().unwrap().len(), 2);
    agent.stop(Duration::from_secs(10));
    fs::remove_file(agent.database()).unwrap();
    let error = complaint(queue(&config, &["list"]));
    assert!(error.contains("there is no database"), "{error}");
    assert!(!agent.database().exists());
}
