//! The rules of docs/policies.md, in a running agent.

use std::net::SocketAddr;

use tempfile::TempDir;

use crate::{
    client::Client,
    collector::Collector,
    http::Request,
    process::{Process, await_listeners, free_address},
};

const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";
const PAGE: &str = include_str!("../../../docs/policies.md");

struct Agent {
    ingress: SocketAddr,
    rest: SocketAddr,
    _process: Process,
    _directory: TempDir,
}

impl Agent {
    /// Starts an agent whose chain for clients has these filters.
    fn start(filters: &str, sink: SocketAddr) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let [ingress, rest] = [(); 2].map(|()| free_address());
        let filters = filters.replace('\n', "\n    ");
        let text = format!(
            r#"
hostname: mx.example.com
storage: {{ sqlite: "{}/queue.sqlite" }}
smtp_listener: [{{ address: "{ingress}", sender: ingress }}]
rest_listener: [{{ address: "{rest}" }}]
notification: {{ sender: outgoing }}
sender:
  - {{ name: ingress, chain: ingress }}
  - {{ name: outgoing, chain: outgoing }}
chain:
  - name: ingress
    {filters}
      - received_header
      - router: {{ rules: [{{ address_list: {{ domains: [example.com] }} }}] }}
    endpoint: {{ exploder: {{ policy: ingress, sender: outgoing }} }}
  - name: outgoing
    endpoint: {{ smtp: {{ host: ["{sink}"] }} }}
log: {{ level: error }}
"#,
            directory.path().display(),
        );
        let process = Process::start_agent(&directory, &text);
        await_listeners([ingress, rest]);
        Self {
            ingress,
            rest,
            _process: process,
            _directory: directory,
        }
    }

    /// How often a rule has matched.
    fn matches(&self, rule: &str, action: &str) -> u32 {
        let answer = Request::get("/metrics").send(self.rest).unwrap();
        let series = format!(r#"koukan_policy_matches_total{{rule="{rule}",action="{action}"}} "#);
        let count = answer
            .content()
            .lines()
            .find_map(|line| line.strip_prefix(&series));
        count.map_or(0, |count| count.parse().unwrap())
    }
}

/// The blocks of YAML after that place in the page.
fn example(after: &str) -> &'static str {
    let (_, rest) = PAGE.split_once(after).unwrap();
    let (_, rest) = rest.split_once("```yaml\n").unwrap();
    rest.split_once("```").unwrap().0.trim_end()
}

#[test]
fn senders_and_recipients_are_refused_as_the_page_says() {
    let sink = Collector::start();
    let agent = Agent::start(example("# Policies"), sink.address);
    let mut client = Client::connect(agent.ingress).unwrap();
    let reply = client.command("MAIL FROM:<a@localhost>").unwrap();
    assert_eq!(reply.trim_end(), "501 5.1.3 Bad mailbox address syntax");
    let to: Vec<_> = (0..12).map(|n| format!("b{n}@example.com")).collect();
    let to: Vec<_> = to.iter().map(String::as_str).collect();
    let sent = client.send("a@example.org", &to, MESSAGE).unwrap();
    let codes: Vec<_> = sent.rcpts.iter().map(|reply| &reply[..3]).collect();
    assert_eq!(codes, [["250"; 10].as_slice(), &["452"; 2]].concat());
    assert!(sent.rcpts[10].starts_with("452 4.5.3 too many recipients"));
    assert_eq!(sink.messages("b9@example.com").len(), 1);
    assert_eq!(sink.messages("b10@example.com").len(), 0);
    assert_eq!(agent.matches("valid_envelope", "REJECT"), 1);
    assert_eq!(agent.matches("max_rcpts", "DEFER"), 2);
}

#[test]
fn a_rule_is_compared_with_the_one_in_force_and_then_takes_its_place() {
    let sink = Collector::start();
    // What is sent, and whether the old and the new rule refuse it.
    let traffic = [
        ("a@spam.example", true, true),
        ("a@bulk.example", false, true),
        ("a@localhost", false, true),
        ("a@good.example", false, false),
        ("", false, false),
    ];
    let send = |agent: &Agent| {
        traffic.map(|(from, ..)| {
            let mut client = Client::connect(agent.ingress).unwrap();
            let reply = client.command(&format!("MAIL FROM:<{from}>")).unwrap();
            reply.starts_with("550 5.7.1")
        })
    };
    let dark = example("<!-- dark -->");
    let agent = Agent::start(dark, sink.address);
    assert_eq!(send(&agent), traffic.map(|(_, old, _)| old));
    assert_eq!(agent.matches("senders", "REJECT"), 1);
    assert_eq!(agent.matches("senders_new", "LOG"), 3);
    let switched = dark.replace("action: LOG", "action: REJECT");
    let agent = Agent::start(&switched, sink.address);
    assert_eq!(send(&agent), traffic.map(|(_, _, new)| new));
    assert_eq!(agent.matches("senders_new", "REJECT"), 3);
}
