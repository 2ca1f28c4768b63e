//! Python's `email` package as an independent judge of messages.

#![allow(dead_code, reason = "each test binary uses a part")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    io::Write,
    process::{Command, Stdio},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

const IMPORTS: &str = "import base64, email, email.policy, json, sys\n";

const MAIN: &str = r#"
messages = json.load(sys.stdin)
messages = [base64.b64decode(message) for message in messages]
messages = [email.message_from_bytes(octets, policy=email.policy.SMTPUTF8) for octets in messages]
json.dump([describe(message) for message in messages], sys.stdout)
"#;

/// The result, for each message, of a Python function `describe(message)` that returns JSON values.
pub(crate) fn describe(
    function: &str,
    messages: impl IntoIterator<Item: AsRef<[u8]>>,
) -> Vec<Value> {
    let messages: Vec<_> = messages.into_iter().map(|m| STANDARD.encode(m)).collect();
    let mut python = Command::new("python3")
        .args(["-c", &format!("{IMPORTS}{function}{MAIN}")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is not installed; run scripts/install-test-peers");
    let input = serde_json::to_vec(&messages).unwrap();
    python.stdin.take().unwrap().write_all(&input).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Octets that `describe` returned as `base64.b64encode(octets).decode()`.
pub(crate) fn octets(text: &Value) -> Vec<u8> {
    STANDARD.decode(text.as_str().unwrap()).unwrap()
}
