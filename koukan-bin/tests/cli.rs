//! The commands, as a user types them.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    fs,
    process::{Command, Output},
};

fn koukan(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_koukan"));
    command.args(arguments).output().unwrap()
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

/// What `koukan check` says of the local configuration with one text replaced.
fn complaint(from: &str, to: &str) -> String {
    let local = include_str!("../../config/local/koukan.yaml");
    assert!(local.contains(from), "{from}");
    let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    fs::write(file.path(), local.replacen(from, to, 1)).unwrap();
    let path = file.path().display().to_string();
    let output = koukan(&["check", &path]);
    assert!(!output.status.success(), "{from} → {to}");
    text(&output.stderr).replace(&path, "koukan.yaml")
}

#[test]
fn the_demo_accounts_for_every_recipient() {
    let output = koukan(&["demo", "--messages", "80"]);
    let printed = text(&output.stdout);
    assert!(output.status.success(), "{printed}");
    assert!(
        printed.contains("every recipient is accounted for"),
        "{printed}"
    );
}

#[test]
fn a_demo_that_sends_nothing_has_shown_nothing() {
    assert!(!koukan(&["demo", "--messages", "0"]).status.success());
}

#[test]
fn the_local_configuration_is_fine() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/local/koukan.yaml");
    let output = koukan(&["check", path]);
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn what_is_wrong_is_told_with_its_line_and_a_suggestion() {
    for (from, to, told) in [
        (
            "- received_header",
            "- recieved_header",
            "koukan.yaml:36:9: unknown filter `recieved_header`\n   36 |       - recieved_header\n      |         ^\n        help: did you mean `received_header`?",
        ),
        (
            "smtp-mx: ingress }",
            "smtp-mx: ingres }",
            "unknown chain `ingres`",
        ),
        (
            "sender: ingress, tag: smtp-mx",
            "sender: ingress, tag: smtp-xm",
            "help: did you mean `smtp-mx`?",
        ),
        (
            "notification: { sender: outgoing }",
            "notification: { sender: outgoign }",
            "help: did you mean `outgoing`?",
        ),
        (
            "hostname:",
            "output: { max_in_flight: 0 }\nhostname:",
            "koukan.yaml:8:11: invalid value",
        ),
        ("hostname:", "hostnam:", "did you mean `hostname`?"),
        (
            "policy: ingress",
            "policy: ingres",
            "did you mean `ingress`?",
        ),
        (
            "koukan.localdomain",
            "not a host",
            "`not a host` is not a host name",
        ),
        (
            "[\"127.0.0.1:3025\"]",
            "[\"127.0.0.1\"]",
            "`127.0.0.1` is not a host and port",
        ),
        (
            "address_list: { domains",
            "address_list: { domain",
            "help: did you mean `domains`?",
        ),
        (
            "name: outgoing\n",
            "name: ingress\n",
            "chain `ingress` is there twice",
        ),
        (
            "policy: ingress\n        sender: outgoing\n",
            "policy: ingress\n        sender: ingress\n        tag: smtp-mx\n",
            "chain `ingress` leads back to itself",
        ),
    ] {
        let complaint = complaint(from, to);
        assert!(complaint.contains(told), "{told}\nis not in\n{complaint}");
        assert!(complaint.starts_with("koukan.yaml:"), "{complaint}");
    }
}

#[test]
fn a_file_that_is_not_there_is_told() {
    let output = koukan(&["run", "--config", "/nowhere/koukan.yaml"]);
    assert!(!output.status.success());
    let told = text(&output.stderr);
    assert!(
        told.starts_with("/nowhere/koukan.yaml: cannot be read"),
        "{told}"
    );
}

#[test]
fn the_schema_is_the_one_that_is_published() {
    let output = koukan(&["schema"]);
    let published = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/config.schema.json");
    let published = fs::read_to_string(published).unwrap();
    assert!(
        text(&output.stdout) == published,
        "run `cargo run -p koukan -- schema > docs/config.schema.json`"
    );
}
