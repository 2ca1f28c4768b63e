//! Mail for an application that gets each message in one request, with
//! `config/examples/webhook.yaml`.

use std::{fs, net::SocketAddr, time::Duration};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{SECRET, receiver::Receiver};
use crate::{
    client::Client,
    process::{Process, await_listeners, eventually, free_address, quoted},
};

const CONFIG: &str = include_str!("../../../../config/examples/webhook.yaml");
const MESSAGE: &str = "From: Alice <alice@example.org>\r\nSubject: a report\r\nMIME-Version: 1.0\r\n\
    Content-Type: multipart/mixed; boundary=x\r\n\r\n\
    --x\r\nContent-Type: text/plain\r\n\r\nSee below.\r\n\
    --x\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=r.pdf\r\n\
    Content-Transfer-Encoding: base64\r\n\r\nJVBERg==\r\n--x--\r\n";

/// The requests with mail for a recipient.
fn to(receiver: &Receiver, address: &str) -> Vec<Value> {
    let mut requests = receiver.requests();
    requests.retain(|it| it["content"]["data"]["rcpt_to"] == json!([address]));
    requests
}

/// An agent with the application at that address, and where it takes mail.
fn agent(directory: &TempDir, hook: SocketAddr) -> (Process, SocketAddr) {
    let data = directory.path().display();
    let [smtp, rest] = [(); 2].map(|()| free_address());
    fs::write(directory.path().join("webhook.secret"), SECRET).unwrap();
    let config = CONFIG
        .replace("127.0.0.1:1025\"", &quoted(smtp))
        .replace("127.0.0.1:8000\"", &quoted(rest))
        .replace("127.0.0.1:8002", &hook.to_string())
        .replace("data/", &format!("{data}/"))
        + "retry: { min_attempt_time: 1s, max_attempt_time: 2s }\nlog: { level: warn }\n";
    let agent = Process::start_agent(directory, &config);
    await_listeners([smtp, rest]);
    (agent, smtp)
}

#[test]
fn an_application_that_asks_for_time_is_left_alone_for_so_long() {
    let directory = tempfile::tempdir().unwrap();
    let hook = free_address();
    let (_agent, smtp) = agent(&directory, hook);
    let mut receiver = Receiver::new(hook, SECRET);
    receiver.start(200);
    let mut client = Client::connect(smtp).unwrap();
    // One has it, so the other is tried again here.
    let both = ["first@app.example.com", "resting@app.example.com"];
    let sent = client.send("alice@example.org", &both, MESSAGE).unwrap();
    assert!(sent.is_accepted(), "{sent:?}");
    eventually(Duration::from_secs(60), || {
        to(&receiver, both[1]).len() >= 2
    });
    let [first, again] = &to(&receiver, both[1])[..] else {
        panic!("it was taken the second time");
    };
    let [first, again] = [first, again].map(|it| it["at"].as_f64().unwrap());
    // Usually it is tried again after two seconds at most.
    assert!(again - first >= 5.0, "{first} {again}");
}

#[test]
fn what_the_application_answers_is_what_the_client_hears() {
    let directory = tempfile::tempdir().unwrap();
    let hook = free_address();
    let (agent, smtp) = agent(&directory, hook);
    let mut receiver = Receiver::new(hook, SECRET);
    let mut client = Client::connect(smtp).unwrap();
    let mut send = |to: &[&str]| client.send("alice@example.org", to, MESSAGE).unwrap();
    let reply = |sent: crate::client::Sent| sent.message.unwrap();

    // Nobody listens there yet.
    let unheard = reply(send(&["first@app.example.com"]));
    assert!(unheard.starts_with("451 4.4.1"), "{unheard}");
    receiver.start(200);
    let taken = reply(send(&["first@app.example.com"]));
    assert!(taken.starts_with("250 2.6.0"), "{taken}");
    let gone = reply(send(&["gone@app.example.com"]));
    assert!(gone.starts_with("550 5.1.1 no such user here"), "{gone}");
    let later = reply(send(&["later@app.example.com"]));
    assert!(later.starts_with("451 4.4.0"), "{later}");
    let sent = send(&["first@elsewhere.example"]);
    assert!(sent.rcpts[0].starts_with("550"), "{:?}", sent.rcpts);

    // One recipient has it. For the other the same request is made again.
    let both = ["second@app.example.com", "busy@app.example.com"];
    let taken = reply(send(&both));
    assert!(taken.starts_with("250"), "{taken}");
    eventually(Duration::from_secs(60), || {
        to(&receiver, both[1]).len() >= 2
    });
    let [first, again] = &to(&receiver, both[1])[..] else {
        panic!("it was taken the second time");
    };
    assert_eq!(first["id"], again["id"]);

    let requests = receiver.requests();
    assert!(requests.iter().all(|it| it["unsigned"].is_null()));
    let request = &to(&receiver, "first@app.example.com")[0]["content"];
    assert_eq!(request["type"], "mail");
    let data = &request["data"];
    assert_eq!(data["mail_from"], "alice@example.org");
    assert_eq!(data["sender"], json!({"name": "application"}));
    let message = &data["message"];
    assert_eq!(message["text_body"][0]["content"]["inline"], "See below.");
    let report = &message["file_attachments"][0];
    assert_eq!(report["filename"], "r.pdf");
    assert_eq!(report["content"]["base64"], "JVBERg==");
    drop(agent);
}
