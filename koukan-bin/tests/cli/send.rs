//! `koukan send`, before it sends a request.

use std::{io::Write, process::Stdio};

use super::*;

/// The complaint of `koukan send` before it sends a request, with this text on standard input.
fn unsent(arguments: &[&str], input: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_koukan"));
    // Nobody listens there, so a request would fail in another way.
    let to = [
        "send",
        "--server",
        "http://127.0.0.1:9",
        "--from",
        "a@example.com",
        "b@example.com",
    ];
    command.args(to).args(arguments);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The program may have ended without reading it.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    assert!(!output.status.success(), "{output:?}");
    text(&output.stderr)
}

#[test]
fn what_cannot_be_sent_is_told_before_anybody_is_asked() {
    let directory = tempfile::tempdir().unwrap();
    let spec = directory.path().join("spec.json");
    let spec = spec.to_str().unwrap();
    let here = directory.path().to_str().unwrap();
    fs::write(spec, "{").unwrap();
    for (arguments, input, told) in [
        (&[][..], "hello", "there is nothing to send"),
        (&["--subject", "hi"], "", "there is nothing to send"),
        (&["--text", "-", "--html", "-"], "x", "only one of"),
        (&["--builder", "-", "--text", "-"], "x", "only one of"),
        (&["--eml", "-"], "", "there is nothing on standard input"),
        (&["--text", "-"], "", "there is nothing on standard input"),
        (
            &["--text", "x", "--attach", "-"],
            "x",
            "--attach names a file",
        ),
        (
            &["--eml", "/dev/null"],
            "",
            "there is no message in /dev/null",
        ),
        (&["--builder", "-"], "{", "standard input: EOF"),
        (
            &["--builder", "-"],
            "[]",
            "standard input: a message builder spec",
        ),
        (&["--builder", spec], "", spec),
        (
            &["--eml", "/nowhere/m.eml"],
            "",
            "cannot read /nowhere/m.eml: No such file",
        ),
        (&["--eml", here], "", "it is a directory"),
        (&["--attach", "/nowhere/f"], "", "cannot read /nowhere/f"),
        (
            &["--text", "x", "--token-file", "/nowhere/t"],
            "",
            "cannot read /nowhere/t",
        ),
    ] {
        let complaint = unsent(arguments, input);
        assert!(
            complaint.contains(told),
            "{arguments:?}: {told}\nis not in\n{complaint}"
        );
    }
}
