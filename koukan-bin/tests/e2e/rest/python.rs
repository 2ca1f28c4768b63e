//! An HTTP client that shares no code with the agent: Python's urllib.

use std::{net::SocketAddr, process::Child};

use crate::peers::{peer, run};

/// What scripts can use: `request(method, url, headers, body)`, which returns status, headers and
/// JSON for any status.
const PRELUDE: &str = r#"
import json, sys, time, urllib.request, urllib.error
base = "http://" + sys.argv[1]
args = sys.argv[2:]
def request(method, url, headers={}, body=None):
    url = url if url.startswith("http") else base + url
    headers = dict(headers)
    if isinstance(body, (dict, list)):
        body = json.dumps(body).encode()
        headers.setdefault("Content-Type", "application/json")
    asked = urllib.request.Request(url, method=method, headers=headers, data=body)
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            status, fields, octets = answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as answer:
        status, fields, octets = answer.code, answer.headers, answer.read()
    is_json = octets and "json" in fields.get("Content-Type", "")
    return status, fields, json.loads(octets) if is_json else octets
def end(url):
    for _ in range(60):
        status, fields, tx = request("GET", url, {"request-timeout": "10"})
        assert status == 200, (status, tx)
        if "final_attempt_reason" in tx:
            return tx
    raise SystemExit(f"no end: {tx}")
def envelope(to="bob@example.com"):
    return {"mail_from": {"m": "alice@example.com"}, "rcpt_to": [{"m": to}]}
SENDER = "/senders/submission/transactions"
"#;

/// Runs a script to its end; it must succeed.
pub(super) fn python(server: SocketAddr, script: &str, args: &[&str]) -> String {
    let script = format!("{PRELUDE}\n{script}");
    let mut command = peer("python3");
    run(command
        .args(["-c", &script, &server.to_string()])
        .args(args))
}

/// Starts a script.
pub(super) fn start_python(server: SocketAddr, script: &str) -> Child {
    let script = format!("{PRELUDE}\n{script}");
    let mut command = peer("python3");
    let command = command.args(["-c", &script, &server.to_string()]);
    command.stderr(std::process::Stdio::null()).spawn().unwrap()
}
