//! The commands, as a user types them.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod check;
mod database;
mod dkim_key;
mod explain;
mod migrate;
mod packaging;
mod postgres;
mod schema;
mod send;
mod storage;

use std::{
    fs,
    process::{Command, Output, Stdio},
};

fn koukan(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_koukan"));
    command.args(arguments).output().unwrap()
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

#[test]
fn the_demo_accounts_for_every_recipient() {
    let output = koukan(&["demo", "--messages", "80"]);
    let printed = text(&output.stdout) + &text(&output.stderr);
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
fn a_file_that_is_not_there_is_told() {
    let output = koukan(&["run", "--config", "/nowhere/koukan.yaml"]);
    assert!(!output.status.success());
    let told = text(&output.stderr);
    assert!(
        told.starts_with("/nowhere/koukan.yaml: cannot be read"),
        "{told}"
    );
}

/// As `head` does.
#[test]
fn a_reader_that_closes_the_pipe_early_is_no_failure() {
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/local/koukan.yaml");
    for arguments in [&["schema"][..], &["token"], &["check", config]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_koukan"));
        command.args(arguments).stderr(Stdio::piped());
        let mut running = command.stdout(Stdio::piped()).spawn().unwrap();
        drop(running.stdout.take());
        let output = running.wait_with_output().unwrap();
        assert_eq!(text(&output.stderr), "", "{arguments:?}");
        assert!(output.status.success(), "{arguments:?}");
    }
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

#[test]
fn a_token_is_printed_with_its_entry_for_the_configuration() {
    let printed = koukan(&["token", "--name", "reports"]);
    let printed = text(&printed.stdout);
    let entry = printed
        .lines()
        .find_map(|line| line.strip_prefix("entry:  - "));
    let entry = entry.unwrap();
    assert!(
        entry.starts_with("{ name: \"reports\", sha256: \""),
        "{printed}"
    );
    let refused = koukan(&["token", "--name", "a b"]);
    assert!(!refused.status.success());
    assert!(text(&refused.stderr).contains("begins with a letter"));
}
