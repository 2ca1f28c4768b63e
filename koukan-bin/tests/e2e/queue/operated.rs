//! The questions of an operator, each answered by one command.

use std::{process::Command, time::Duration};

use serde_json::Value;

use crate::{
    client::Client,
    collector::Collector,
    peers::run,
    process::{eventually, free_address},
};

use super::setup::Agent;

fn queue(agent: &Agent, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_koukan"));
    let url = format!("http://{}", agent.rest);
    command.args(["queue", "--url", &url]).args(arguments);
    command
}

pub(super) fn told(agent: &Agent, arguments: &[&str]) -> String {
    run(&mut queue(agent, arguments))
}

pub(super) fn json(agent: &Agent, arguments: &[&str]) -> Value {
    let mut command = queue(agent, arguments);
    serde_json::from_str(&run(command.arg("--json"))).unwrap()
}

#[test]
fn each_question_has_its_command() {
    // Nobody listens there until later.
    let [host, sink_address] = [(); 2].map(|()| free_address());
    let mut agent = Agent::start(host, sink_address);
    let mut client = Client::connect(agent.submission).unwrap();
    for to in ["a@smtp.example", "b@smtp.example", "c@example.com"] {
        let sent = client.send("alice@example.org", &[to], "Subject: hi\r\n\r\nhello\r\n");
        assert!(sent.unwrap().is_accepted());
    }
    drop(client);

    // "Where is this mail?"
    let listed = told(&agent, &["list", "--to", "a@smtp.example"]);
    assert_eq!(listed.lines().count(), 2, "{listed}");
    assert!(listed.contains("alice@example.org"), "{listed}");
    let listed = json(&agent, &["list", "--to", "a@smtp.example"]);
    let id = listed["transactions"][0]["id"].as_str().unwrap().to_owned();
    let domain = json(&agent, &["list", "--domain", "smtp.example"]);
    assert_eq!(domain["transactions"].as_array().unwrap().len(), 2);

    // "Why does it wait, and what did the other side reply?"
    let is_attempted = || {
        let shown = json(&agent, &["show", &id]);
        !shown["attempts"].as_array().unwrap().is_empty()
    };
    eventually(Duration::from_secs(20), is_attempted);
    let shown = told(&agent, &["show", &id]);
    assert!(shown.contains("attempt 1, "), "{shown}");
    assert!(shown.contains("a@smtp.example"), "{shown}");
    let message = told(&agent, &["message", &id]);
    assert!(
        message.ends_with("Subject: hi\r\n\r\nhello\r\n"),
        "{message}"
    );

    // "Stop all mail for that domain."
    let would = told(&agent, &["hold", "--domain", "smtp.example", "--dry-run"]);
    assert!(would.starts_with("2 of 2 would be changed"), "{would}");
    let held = told(&agent, &["hold", "--domain", "smtp.example"]);
    assert!(held.starts_with("2 of 2 were changed"), "{held}");
    let all_held = || {
        let held = json(&agent, &["list", "--state", "held"]);
        held["transactions"].as_array().unwrap().len() == 2
    };
    eventually(Duration::from_secs(20), all_held);
    let retry = queue(&agent, &["retry", &id]).output().unwrap();
    assert!(!retry.status.success());
    let error = String::from_utf8_lossy(&retry.stderr).into_owned();
    assert!(error.contains("is held: release it"), "{error}");

    // It is still stopped after a restart.
    agent.stop(Duration::from_secs(10));
    agent.restart();
    let held = json(&agent, &["list", "--state", "held"]);
    assert_eq!(held["transactions"].as_array().unwrap().len(), 2);

    // "Send it now."
    let smtp = Collector::listen(host);
    let sink = Collector::listen(sink_address);
    told(&agent, &["release", &id]);
    eventually(Duration::from_secs(20), || {
        smtp.messages("a@smtp.example").len() == 1
    });
    eventually(Duration::from_secs(20), || {
        sink.messages("c@example.com").len() == 1
    });
    assert!(smtp.messages("b@smtp.example").is_empty());

    // "Return all of it to the senders."
    let bounced = told(&agent, &["bounce", "--domain", "smtp.example"]);
    assert!(bounced.starts_with("1 of 1 were changed"), "{bounced}");
    eventually(Duration::from_secs(20), || {
        sink.messages("alice@example.org").len() == 1
    });
    let notification = sink.only_message("alice@example.org");
    assert!(notification.contains("b@smtp.example"), "{notification}");
    let words: Vec<_> = notification.split_whitespace().collect();
    let said = "returned to the sender by the operator of this agent";
    assert!(words.join(" ").contains(said), "{notification}");
}

#[test]
fn mistakes_are_told_with_what_to_do() {
    let sink = Collector::start();
    let mut agent = Agent::start(sink.address, sink.address);
    for (arguments, words) in [
        (&["cancel"][..], "--all"),
        (&["show", "nonsense"], "there is no such transaction"),
        (&["list", "--state", "lost"], "not one of waiting"),
        (&["list", "--older-than", "yesterday"], "as in `500ms`"),
        (&["retry", "x", "--domain", "y"], "leave out what else does"),
        (
            &["list", "--token-file", "/nowhere"],
            "cannot read /nowhere",
        ),
    ] {
        let output = queue(&agent, arguments).output().unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(error.contains(words), "{arguments:?}: {error}");
    }
    agent.stop(Duration::from_secs(10));
    let output = queue(&agent, &["list"]).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        error.contains("no agent answers") && error.contains("--url"),
        "{error}"
    );
}
