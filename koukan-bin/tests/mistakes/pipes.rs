//! Pipes in the place of files: nobody waits until something is written into them.

use std::process::Command;

use super::*;

#[test]
fn a_pipe_in_the_place_of_a_file_is_told_and_not_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let pipe = pipe.display();
    let words: &[&str] = &["cannot read", "must be a file"];
    let notification = "notification: { sender: outgoing }\n";
    let upstream = "rest: { url: \"http://127.0.0.1:8002\"";
    for (from, to) in [
        (
            notification,
            format!("notification: {{ sender: outgoing, template: \"{pipe}\" }}\n"),
        ),
        (
            upstream,
            format!("rest: {{ token_file: \"{pipe}\", url: \"http://127.0.0.1:8002\""),
        ),
        (
            upstream,
            format!("rest: {{ ca_file: \"{pipe}\", url: \"http://127.0.0.1:8002\""),
        ),
        (
            INGRESS,
            format!("{INGRESS}, auth: {{ password_file: \"{pipe}\", clear: true }}"),
        ),
        (
            INGRESS,
            format!("{INGRESS}, tls: {{ certificate: [{{ file: \"{pipe}\" }}] }}"),
        ),
        (
            BUILDER,
            format!("{BUILDER}      - greylist: {{ file: \"{pipe}\" }}\n"),
        ),
        (DOMAINS, format!("aliases: {{ file: \"{pipe}\" }}")),
    ] {
        told(&[(from, &to, "/pipe", words)]);
    }
}
