//! Who may send as whom: users by SMTP, and applications by REST.

use std::{fs, net::SocketAddr};

use serde_json::json;
use tempfile::TempDir;

use crate::{
    auth::line_of,
    client::Client,
    collector::Collector,
    http::Request,
    process::{Process, await_listener, free_address},
};

/// The arguments of AUTH PLAIN for two users with the password `pencil`.
const ALICE: &str = "AGFsaWNlAHBlbmNpbA==";
const BOB: &str = "AGJvYgBwZW5jaWw=";

struct Agent {
    smtp: SocketAddr,
    rest: SocketAddr,
    token: String,
    _process: Process,
    _directory: TempDir,
}

impl Agent {
    /// Starts an agent whose users, and the application `shop`, send through a chain with that
    /// filter.
    fn start(filter: &str, sink: SocketAddr) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name).display().to_string();
        let (token, sha256) = koukan_rest::auth::generate_token();
        let users = line_of("alice", "pencil") + &line_of("bob", "pencil");
        fs::write(path("passwords"), users).unwrap();
        let addresses =
            "alice alice@x.example\nbob bob@x.example team.example\nshop shop@x.example\n";
        fs::write(path("addresses"), addresses).unwrap();
        let [smtp, rest] = [(); 2].map(|()| free_address());
        let (passwords, addresses) = (path("passwords"), path("addresses"));
        let text = format!(
            r#"
hostname: mx.example.com
storage: memory
notification: {{ sender: outgoing }}
smtp_listener:
  - address: "{smtp}"
    sender: users
    auth: {{ password_file: "{passwords}", required: true }}
rest_listener:
  - {{ address: "{rest}", token: [{{ name: shop, sha256: "{sha256}" }}] }}
sender:
  - {{ name: users, chain: users, rest: {{}} }}
  - {{ name: outgoing, chain: outgoing }}
chain:
  - name: users
    filter:
      - send_as: {{ file: "{addresses}", delimiter: "+"{filter} }}
    endpoint: {{ exploder: {{ policy: submission, sender: outgoing }} }}
  - name: outgoing
    endpoint: {{ smtp: {{ host: ["{sink}"] }} }}
log: {{ level: error }}
"#
        );
        let process = Process::start_agent(&directory, &text);
        await_listener(smtp);
        await_listener(rest);
        Self {
            smtp,
            rest,
            token,
            _process: process,
            _directory: directory,
        }
    }

    fn client(&self, answer: &str) -> Client {
        let mut client = Client::connect(self.smtp).unwrap();
        let reply = client.command(&format!("AUTH PLAIN {answer}")).unwrap();
        assert!(reply.starts_with("235"), "{reply}");
        client
    }
}

/// Sends a message from one address, with another in its header; returns the reply to MAIL, or to
/// the message.
fn send(client: &mut Client, mail_from: &str, from: &str, to: &str) -> String {
    let reply = client.command(&format!("MAIL FROM:<{mail_from}>")).unwrap();
    let _ = client.command("RSET").unwrap();
    if !reply.starts_with('2') {
        return reply;
    }
    let message = format!("From: {from}\r\nSubject: hi\r\n\r\nhello\r\n");
    let sent = client.send(mail_from, &[to], &message).unwrap();
    sent.message.unwrap()
}

#[test]
fn two_users_and_an_application_send_as_themselves_alone() {
    let sink = Collector::start();
    let agent = Agent::start("", sink.address);
    for (answer, mail_from, from, told) in [
        (
            ALICE,
            "alice@x.example",
            "Alice <ALICE+news@x.example>",
            "250",
        ),
        (ALICE, "", "alice@x.example", "250"),
        (
            ALICE,
            "bob@x.example",
            "alice@x.example",
            "550 5.7.1 <bob@x.example> may not",
        ),
        (
            ALICE,
            "alice@x.example",
            "bob@x.example",
            "550 5.7.1 <bob@x.example> may not be used in From",
        ),
        (
            ALICE,
            "alice@x.example",
            "alice@x.example, Bob <bob@x.example>",
            "550 5.7.1",
        ),
        (
            ALICE,
            "alice@x.example",
            "alice@x.example\r\nFrom: bob@x.example",
            "550 5.7.1 From has to be",
        ),
        (ALICE, "", "bob@x.example", "550 5.7.1"),
        (BOB, "bob@x.example", "anybody@team.example", "250"),
        (BOB, "anybody@team.example", "bob@x.example", "250"),
        (BOB, "bob@x.example", "alice@x.example", "550 5.7.1"),
    ] {
        let reply = send(
            &mut agent.client(answer),
            mail_from,
            from,
            "carol@y.example",
        );
        assert!(reply.starts_with(told), "{mail_from} {from}: {reply}");
    }
    assert_eq!(sink.messages("carol@y.example").len(), 4);

    let post = |mail_from: &str, from: &str| {
        let message = format!("From: {from}\r\n\r\nhello\r\n");
        let draft = json!({
            "mail_from": { "m": mail_from },
            "rcpt_to": [{ "m": "dave@y.example" }],
            "body": { "inline": message },
        });
        let answer = Request::new("POST", "/senders/users/transactions")
            .header("Authorization", &format!("Bearer {}", agent.token))
            .header("Prefer", "wait=30")
            .json(&draft)
            .send(agent.rest)
            .unwrap();
        answer.text
    };
    let taken = post("shop@x.example", "shop@x.example");
    assert!(taken.contains("\"code\":250"), "{taken}");
    sink.only_message("dave@y.example");
    for (mail_from, from) in [
        ("alice@x.example", "shop@x.example"),
        ("shop@x.example", "alice@x.example"),
    ] {
        let refused = post(mail_from, from);
        assert!(refused.contains("may not be used"), "{refused}");
    }
    assert_eq!(sink.messages("dave@y.example").len(), 1);
}

#[test]
fn a_sender_field_says_who_has_written_for_another() {
    let sink = Collector::start();
    let agent = Agent::start(", unsuitable: rewrite_sender", sink.address);
    let mut client = agent.client(ALICE);
    let reply = send(
        &mut client,
        "alice@x.example",
        "bob@x.example",
        "carol@y.example",
    );
    assert!(reply.starts_with("250"), "{reply}");
    let message = sink.only_message("carol@y.example");
    assert!(
        message.contains("Sender: alice@x.example\r\nFrom: bob@x.example\r\n"),
        "{message}"
    );
    assert!(
        message.ends_with("Subject: hi\r\n\r\nhello\r\n"),
        "{message}"
    );
}
