//! Destinations that somebody other than the operator names: this host, and this agent.

use std::net::SocketAddr;

use tempfile::TempDir;

use crate::{
    client::Client,
    collector::Collector,
    process::{Process, await_listener, free_address},
};

const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";

/// An agent that sends mail for each recipient to the recipient's own domain, on one port.
struct Agent {
    ingress: SocketAddr,
    _process: Process,
    _directory: TempDir,
}

impl Agent {
    fn start(smtp: &str, port: impl FnOnce(SocketAddr) -> u16) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let ingress = free_address();
        let port = port(ingress);
        let text = format!(
            r#"
hostname: mx.example.com
storage: {{ sqlite: "{}/queue.sqlite" }}
notification: {{ sender: outgoing }}
smtp_listener: [{{ address: "{ingress}", sender: ingress }}]
sender:
  - {{ name: ingress, chain: ingress }}
  - {{ name: outgoing, chain: outgoing }}
chain:
  - name: ingress
    filter: [received_header]
    endpoint: {{ exploder: {{ policy: ingress, sender: outgoing }} }}
  - name: outgoing
    filter: [{{ router: {{ rules: [{{ literal: {{ port: {port} }} }}, {{ dest_domain: {{ port: {port} }} }}] }} }}]
    endpoint: {{ smtp: {smtp} }}
log: {{ level: error }}
"#,
            directory.path().display(),
        );
        let process = Process::start_agent(&directory, &text);
        await_listener(ingress);
        Self {
            ingress,
            _process: process,
            _directory: directory,
        }
    }

    fn rcpt_reply(&self, to: &str) -> String {
        let mut client = Client::connect(self.ingress).unwrap();
        let mut sent = client.send("a@example.org", &[to], MESSAGE).unwrap();
        sent.rcpts.remove(0)
    }
}

const ALLOWED: &str = r#"{ allow_networks: ["127.0.0.0/8", "::1"] }"#;

#[test]
fn mail_to_oneself_loops_back() {
    let agent = Agent::start(ALLOWED, |ingress| ingress.port());
    for to in ["b@[127.0.0.1]", "b@[IPv6:::ffff:127.0.0.1]", "b@localhost"] {
        let reply = agent.rcpt_reply(to);
        assert!(reply.starts_with("554 5.4.6"), "{to}: {reply}");
    }
}

#[test]
fn addresses_of_this_host_are_refused_unless_allowed() {
    let sink = Collector::start();
    let agent = Agent::start("{}", |_| sink.address.port());
    for to in ["b@[127.0.0.1]", "b@localhost", "b@[169.254.169.254]"] {
        let reply = agent.rcpt_reply(to);
        assert!(reply.starts_with("550 5.7.1"), "{to}: {reply}");
    }
    let agent = Agent::start(ALLOWED, |_| sink.address.port());
    let reply = agent.rcpt_reply("b@[127.0.0.1]");
    assert!(reply.starts_with("250"), "{reply}");
    sink.only_message("b@[127.0.0.1]");
}
