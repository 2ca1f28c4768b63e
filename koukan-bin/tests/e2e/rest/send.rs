//! `koukan send`.

use std::{
    fs,
    io::Write,
    net::SocketAddr,
    process::{Command, Stdio},
};

use crate::{
    collector::{Collector, without_trace},
    peers::run,
};

use super::setup::{Agent, Shape};

fn send(server: SocketAddr) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_koukan"));
    let server = format!("http://{server}");
    command.args(["send", "--server", &server, "--from", "alice@example.com"]);
    command
}

#[test]
fn files_are_sent_to_many_and_the_outcome_is_a_table() {
    let sink = Collector::start();
    let agent = Agent::start(Shape::Whole, sink.address);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("notes.txt");
    fs::write(&file, "some notes\n".repeat(50_000)).unwrap();
    let told = run(send(agent.rest)
        .args(["--subject", "grüße", "--text", "hello", "--attach"])
        .arg(&file)
        .args(["bob@example.com", "carol@example.com"]));
    let lines: Vec<_> = told.lines().collect();
    assert_eq!(lines.len(), 2, "{told}");
    for (line, to) in lines.iter().zip(["bob@example.com", "carol@example.com"]) {
        let words: Vec<_> = line.split_whitespace().collect();
        assert_eq!(words[..3], [to, "delivered", "250"], "{told}");
        let message = sink.only_message(to);
        assert!(
            message.contains("filename=\"notes.txt\"") || message.contains("filename=notes.txt")
        );
        assert!(message.len() > 700_000);
    }
}

#[test]
fn a_message_that_is_ready_is_sent_as_it_is() {
    let sink = Collector::start();
    let agent = Agent::start(Shape::Whole, sink.address);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("message.eml");
    fs::write(&file, "Subject: hi\n\nhello\n").unwrap();
    run(send(agent.rest)
        .arg("--eml")
        .arg(&file)
        .args(["bob@example.com", "carol@example.com"]));
    for to in ["bob@example.com", "carol@example.com"] {
        let message = sink.only_message(to);
        assert_eq!(without_trace(&message), "Subject: hi\r\n\r\nhello\r\n");
    }
}

#[test]
fn standard_input_is_a_message_or_a_text() {
    let sink = Collector::start();
    let agent = Agent::start(Shape::Whole, sink.address);
    let with_input = |arguments: &[&str], input: &str| {
        let mut child = send(agent.rest)
            .args(arguments)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).unwrap();
        drop(stdin);
        assert!(child.wait().unwrap().success(), "{arguments:?}");
    };
    let to = ["eml1@example.com", "eml2@example.com", "eml3@example.com"];
    with_input(
        &["--eml", "-", to[0], to[1], to[2]],
        "Subject: hi\n\nhello\n",
    );
    for to in to {
        let message = sink.only_message(to);
        assert_eq!(without_trace(&message), "Subject: hi\r\n\r\nhello\r\n");
    }
    with_input(&["--text", "-", "text@example.com"], "from a pipe\n");
    assert!(
        sink.only_message("text@example.com")
            .contains("from a pipe")
    );
    with_input(&["--html", "-", "html@example.com"], "<p>from a pipe");
    assert!(sink.only_message("html@example.com").contains("text/html"));
    let spec = r#"{"text_body": [{"content_type": "text/plain", "content": {"inline": "spec"}}]}"#;
    with_input(&["--builder", "-", "spec@example.com"], spec);
    assert!(sink.only_message("spec@example.com").contains("spec"));
}

#[test]
fn one_recipient_that_is_refused_is_no_hindrance_to_the_others() {
    let sink = Collector::start();
    let agent = Agent::start(Shape::Whole, sink.address);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("notes.txt");
    fs::write(&file, "some notes\n").unwrap();
    let to: Vec<_> = (0..40)
        .map(|number| format!("r{number}@example.com"))
        .collect();
    let output = send(agent.rest)
        .args(["--text", "hello", "--attach"])
        .arg(&file)
        .arg("550@example.com")
        .args(&to)
        .output()
        .unwrap();
    assert!(!output.status.success());
    let told = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<_> = told.lines().collect();
    assert!(lines[0].starts_with("550@example.com"), "{told}");
    assert!(lines[0].contains("failed"), "{told}");
    for (line, to) in lines[1..].iter().zip(&to) {
        assert!(line.starts_with(to) && line.contains("delivered"), "{line}");
        assert!(sink.only_message(to).contains("notes.txt"));
    }
}

#[test]
fn what_fails_is_told_and_shows_in_the_exit_code() {
    let sink = Collector::start();
    let agent = Agent::start(Shape::Whole, sink.address);
    let failing = |arguments: &[&str]| {
        let output = send(agent.rest).args(arguments).output().unwrap();
        assert!(!output.status.success(), "{output:?}");
        let told = [output.stdout, output.stderr].concat();
        String::from_utf8(told).unwrap()
    };
    let told = failing(&["--text", "hi", "--json", "550@example.com"]);
    let outcome: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(outcome["state"], "failed");
    assert!(outcome["reply"].as_str().unwrap().contains("as you asked"));
    let told = failing(&["--text", "hi", "--sender", "nobody", "bob@example.com"]);
    assert!(told.contains("there is no such sender"), "{told}");
    let told = failing(&["--attach", "/nowhere/file", "bob@example.com"]);
    assert!(told.contains("/nowhere/file"), "{told}");
}
