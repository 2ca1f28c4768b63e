//! Mail comes in by SMTP, and goes parsed to an application by HTTP.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{ChildStdout, Stdio},
};

use serde_json::Value;

use crate::{
    client::Client,
    collector::Collector,
    peers::{peer, run},
    process::Process,
};

use super::setup::{Agent, Shape};

/// The application, in Python.
struct Receiver {
    _process: Process,
    address: SocketAddr,
    output: BufReader<ChildStdout>,
}

impl Receiver {
    fn start() -> Self {
        let mut command = peer("python3");
        command.args(["-c", include_str!("receiver.py")]);
        let (process, output) = Process::start_with_output(command.stdout(Stdio::piped()));
        let mut receiver = Self {
            _process: process,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            output: BufReader::new(output),
        };
        let port = receiver.line().trim().parse().unwrap();
        receiver.address.set_port(port);
        receiver
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line
    }

    fn message(&mut self) -> Value {
        serde_json::from_str(&self.line()).unwrap()
    }
}

fn an_application_gets_parsed_mail_with_its_attachments(shape: Shape) {
    let sink = Collector::start();
    let mut receiver = Receiver::start();
    let agent = Agent::start_with_receiver(shape, sink.address, receiver.address);
    let attachment = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(attachment.path(), [0, 1, 2, 255].repeat(50_000)).unwrap();
    let path = format!("@{}", attachment.path().display());
    let server = agent.ingress.to_string();
    run(peer("swaks").args([
        "--to",
        "bob+x@rest-application.example.com",
        "--from",
        "alice@example.org",
        "--server",
        &server,
        "--header",
        "Subject: with an attachment",
        "--body",
        "hello bob",
        "--attach-type",
        "image/png",
        "--attach-name",
        "cat.png",
        "--attach",
        &path,
    ]));
    let got = receiver.message();
    assert_eq!(got["from"], "alice@example.org");
    assert_eq!(got["to"][0], "bob+x@rest-application.example.com");
    assert!(got["length"].as_u64().unwrap() > 200_000);
    let parsed = &got["parsed"];
    let headers = parsed["headers"].as_array().unwrap();
    let subject = headers.iter().find(|header| header[0] == "subject");
    assert_eq!(subject.unwrap()[1], "with an attachment");
    let text = parsed["text_body"][0]["content"]["inline"].as_str();
    assert_eq!(text.unwrap().trim(), "hello bob");
    let file = &parsed["file_attachments"][0];
    assert_eq!(file["filename"], "cat.png");
    let id = file["content"]["create_id"].as_str().unwrap();
    // The digest of the octets above.
    let script =
        "import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], 'rb').read()).hexdigest())";
    let sum = run(peer("python3").args(["-c", script]).arg(attachment.path()));
    assert_eq!(got["parts"][id], sum.trim());
}

fn an_application_gets_mail_for_its_own_addresses_only(shape: Shape) {
    let sink = Collector::start();
    let mut receiver = Receiver::start();
    let agent = Agent::start_with_receiver(shape, sink.address, receiver.address);
    let mut client = Client::connect(agent.ingress).unwrap();
    let message = "Subject: hi\r\n\r\nhello\r\n";
    let to = [
        "bob@rest-application.example.com",
        "eve@rest-application.example.com",
        "bob@example.com",
    ];
    let sent = client.send("alice@example.org", &to, message).unwrap();
    let accepted = sent.rcpts.iter().map(|reply| reply.starts_with('2'));
    assert_eq!(accepted.collect::<Vec<_>>(), [true, false, true]);
    assert!(sent.is_accepted(), "{sent:?}");
    assert_eq!(receiver.message()["to"][0], to[0]);
    sink.only_message("bob@example.com");
}

#[test]
fn whole_parsed() {
    an_application_gets_parsed_mail_with_its_attachments(Shape::Whole);
}

#[test]
fn loopback_parsed() {
    an_application_gets_parsed_mail_with_its_attachments(Shape::Loopback);
}

#[test]
fn split_parsed() {
    an_application_gets_parsed_mail_with_its_attachments(Shape::Split);
}

#[test]
fn whole_addresses() {
    an_application_gets_mail_for_its_own_addresses_only(Shape::Whole);
}

#[test]
fn loopback_addresses() {
    an_application_gets_mail_for_its_own_addresses_only(Shape::Loopback);
}

#[test]
fn split_addresses() {
    an_application_gets_mail_for_its_own_addresses_only(Shape::Split);
}
