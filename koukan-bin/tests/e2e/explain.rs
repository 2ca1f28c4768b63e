//! `POST /explain` of a running agent.

use serde_json::json;
use tempfile::TempDir;

use crate::{
    collector::Collector,
    http::Request,
    process::{Process, await_listener, free_address},
};

#[test]
fn a_running_agent_tells_what_would_become_of_a_message_and_sends_nothing() {
    let sink = Collector::start();
    let directory: TempDir = tempfile::tempdir().unwrap();
    let rest = free_address();
    let text = format!(
        r#"
hostname: mx.example.com
storage: {{ sqlite: "{}/queue.sqlite" }}
rest_listener: [{{ address: "{rest}" }}]
notification: {{ sender: outgoing }}
sender:
  - {{ name: in, chain: in, rest: {{}} }}
  - {{ name: outgoing, chain: outgoing }}
chain:
  - name: in
    filter: [received_header]
    endpoint: {{ exploder: {{ policy: submission, sender: outgoing }} }}
  - name: outgoing
    endpoint: {{ smtp: {{ host: ["{}"] }} }}
log: {{ level: error }}
"#,
        directory.path().display(),
        sink.address,
    );
    let _process = Process::start_agent(&directory, &text);
    await_listener(rest);
    let asked = json!({
        "sender": "in", "mail_from": "a@example.org", "rcpt_to": ["b@example.com"],
        "ip": "192.0.2.1", "message": "Subject: hi\r\n\r\nhello\r\n",
    });
    let answer = Request::new("POST", "/explain")
        .json(&asked)
        .send(rest)
        .unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text);
    let told: serde_json::Value = serde_json::from_str(answer.content()).unwrap();
    assert_eq!(told["recipients"][0]["code"], 250);
    let part = &told["passages"][1];
    assert_eq!(part["chain"], "outgoing");
    let goes = &part["notes"][0]["goes"];
    assert_eq!(goes["hosts"][0]["host"], sink.address.to_string());
    assert_eq!(goes["hosts"][0]["tls"], "opportunistic");
    for (changed, status) in [
        (json!({"sender": "nobody"}), 404),
        (json!({"ip": "here"}), 400),
        (json!({"rcpt_to": []}), 400),
    ] {
        let mut asked = asked.clone();
        for (name, value) in changed.as_object().unwrap() {
            asked[name] = value.clone();
        }
        let answer = Request::new("POST", "/explain")
            .json(&asked)
            .send(rest)
            .unwrap();
        assert_eq!(answer.status, status, "{changed}: {}", answer.text);
    }
    assert!(sink.messages("b@example.com").is_empty());
    let queue = Request::get("/queue").send(rest).unwrap();
    let queue: serde_json::Value = serde_json::from_str(queue.content()).unwrap();
    assert_eq!(queue["transactions"], json!([]), "{queue}");
}
