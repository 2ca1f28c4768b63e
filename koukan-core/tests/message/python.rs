//! Python's `email` package, which nobody here wrote.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

const SCRIPT: &str = r#"
import base64, email, email.policy, json, sys

def text(value):
    return None if value is None else str(value)

def describe(octets):
    message = email.message_from_bytes(octets, policy=email.policy.SMTPUTF8)
    addresses = {}
    for name in ("from", "to", "cc", "reply-to", "sender"):
        field = message[name]
        if field is not None:
            addresses[name] = [[a.display_name, a.addr_spec] for a in field.addresses]
    parts = []
    for part in message.walk():
        if part.get_content_maintype() == "multipart":
            continue
        if part.get_content_maintype() == "message":
            content = part.get_payload(0).as_bytes()
        else:
            content = part.get_payload(decode=True)
        parts.append({
            "type": part.get_content_type(),
            "charset": part.get_content_charset(),
            "filename": part.get_filename(),
            "disposition": part.get_content_disposition(),
            "content_id": text(part["content-id"]),
            "text": part.get_content() if part.get_content_maintype() == "text" else None,
            "content": base64.b64encode(content or b"").decode(),
        })
        if part.get_content_maintype() == "message":
            break
    return {
        "subject": text(message["subject"]),
        "date": message["date"].datetime.timestamp() if message["date"] else None,
        "addresses": addresses,
        "headers": [[name, str(value)] for name, value in message.items()],
        "parts": parts,
        "structure": [part.get_content_type() for part in message.walk()],
        "defects": [repr(d) for part in message.walk() for d in part.defects],
    }

messages = json.load(sys.stdin)
json.dump([describe(base64.b64decode(message)) for message in messages], sys.stdout)
"#;

/// What Python makes of messages.
pub(crate) fn describe<'a>(messages: impl IntoIterator<Item = &'a [u8]>) -> Vec<Value> {
    let messages: Vec<_> = messages.into_iter().map(|m| STANDARD.encode(m)).collect();
    let mut python = Command::new("python3")
        .args(["-c", SCRIPT])
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

/// The octets of a part that Python decoded.
pub(crate) fn content(part: &Value) -> Vec<u8> {
    STANDARD.decode(part["content"].as_str().unwrap()).unwrap()
}
