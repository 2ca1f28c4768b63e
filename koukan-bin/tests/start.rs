//! What an agent prints if it cannot be started, or is to log in an unknown way.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::NamedTempFile;

/// A configuration that listens on `address`, with these lines at its end.
fn config(address: SocketAddr, lines: &str) -> NamedTempFile {
    let config = format!(
        "hostname: a.example\nstorage: memory\nnotification: {{ sender: out }}\nsmtp_listener:\n  \
         - {{ address: \"{address}\", sender: out }}\nsender:\n  - {{ name: out, chain: out }}\nchain:\n  \
         - name: out\n    endpoint: {{ smtp: {{ host: [\"127.0.0.1:9\"] }} }}\n{lines}\n"
    );
    let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    fs::write(file.path(), config).unwrap();
    file
}

/// Runs a command that must fail; returns what it prints.
fn failure(arguments: &[&str], file: &NamedTempFile, log: Option<&str>) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_koukan"));
    command.args(arguments).arg(file.path());
    command.env_remove("KOUKAN_LOG");
    if let Some(log) = log {
        command.env("KOUKAN_LOG", log);
    }
    let Output { status, stderr, .. } = command.output().unwrap();
    let told = String::from_utf8(stderr).unwrap();
    assert!(!status.success(), "{told}");
    told
}

const RUN: &[&str] = &["run", "--config"];
const JSON: &str = "log: { format: json }";

/// The events in lines that are all JSON.
fn events(lines: &str) -> Vec<Value> {
    let lines = lines.lines();
    lines
        .map(|line| match serde_json::from_str(line) {
            Ok(event) => event,
            Err(error) => panic!("{error}: {line}"),
        })
        .collect()
}

#[test]
fn what_goes_wrong_names_the_file_and_the_line_in_the_chosen_format() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let file = config(address, "");
    let path = file.path().display();
    let wanted = format!("{path}:5:16: cannot listen on {address}");
    for arguments in [RUN, &["check", "--deep"]] {
        let told = failure(arguments, &file, None);
        assert!(told.contains(&wanted), "{told}");
    }
    let file = config(address, JSON);
    let events = events(&failure(RUN, &file, None));
    let path = file.path().display();
    let wanted = format!("{path}:5:16: cannot listen on {address}: Address already in use");
    let last = events.last().unwrap();
    assert_eq!(last["level"], "ERROR");
    let message = last["message"].as_str().unwrap();
    assert!(message.starts_with(&wanted), "{message}");
}

#[test]
fn what_is_wrong_with_a_configuration_is_told_in_the_format_it_chooses() {
    let address = "127.0.0.1:0".parse().unwrap();
    let faults = "hostnam: x";
    let told = failure(RUN, &config(address, faults), None);
    assert!(told.contains("help: did you mean `hostname`?"), "{told}");
    assert!(told.contains("| hostnam: x\n"), "{told}");

    let file = config(address, &format!("{faults}\n{JSON}"));
    let events = events(&failure(RUN, &file, None));
    assert_eq!(events.len(), 1, "{events:?}");
    let event = &events[0];
    assert_eq!(event["level"], "ERROR");
    assert_eq!(event["file"], file.path().display().to_string());
    assert_eq!(event["line"], 11);
    assert_eq!(event["help"], "did you mean `hostname`?");
    assert!(event["message"].as_str().unwrap().contains("hostnam"));
    // `check` prints for people.
    let told = failure(&["check"], &file, None);
    assert!(told.contains("| hostnam: x\n"), "{told}");
}

#[test]
fn a_file_that_is_no_configuration_at_all_is_told_to_people() {
    let file = config(
        "127.0.0.1:0".parse().unwrap(),
        &format!("{JSON}\nrest_listener: [1"),
    );
    let told = failure(RUN, &file, None);
    assert!(told.contains("unclosed bracket"), "{told}");
}

#[test]
fn a_variable_that_is_wrong_is_refused_and_says_why() {
    let address = "127.0.0.1:0".parse().unwrap();
    let wrong = "the environment variable KOUKAN_LOG is wrong: `inof` is not a level: \
                 did you mean `info`?";
    let told = failure(RUN, &config(address, ""), Some("inof"));
    assert!(told.contains(wrong), "{told}");
    assert!(!told.contains("listening"), "{told}");
    let events = events(&failure(RUN, &config(address, JSON), Some("inof")));
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0]["message"], wrong);
}
