//! Copies of messages by another route.

use std::{
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use tempfile::TempDir;

use crate::{
    client::Client,
    collector::Collector,
    host::{Host, Manner},
    process::{Process, await_listener, eventually, free_address},
};

const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";
const FROM: &str = "alice@example.org";

/// An agent that sends users' mail to one host, and copies of it to another.
struct Copying {
    directory: TempDir,
    config: String,
    listener: SocketAddr,
}

impl Copying {
    fn new(host: SocketAddr, archive: SocketAddr, mode: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let listener = free_address();
        let config = format!(
            r#"
hostname: koukan.localdomain
storage: {{ sqlite: "{}" }}
notification: {{ sender: out }}
smtp_listener:
  - {{ address: "{listener}", sender: submission }}
sender:
  - {{ name: submission, chain: submission }}
  - {{ name: out, chain: out }}
  - {{ name: archive, tag: {{ mail: archive }} }}
chain:
  - name: submission
    filter: [received_header, add_route: {{ sender: archive, tag: mail, mode: {mode} }}]
    endpoint: {{ exploder: {{ policy: submission, sender: out }} }}
  - name: out
    endpoint: {{ smtp: {{ host: ["{host}"] }} }}
  - name: archive
    endpoint: {{ smtp: {{ host: ["{archive}"] }} }}
retry: {{ min_attempt_time: 1s, max_attempt_time: 2s }}
log: {{ level: warn }}
"#,
            directory.path().join("koukan.sqlite").display()
        );
        Self {
            directory,
            config,
            listener,
        }
    }

    fn start(&self) -> Process {
        let agent = Process::start_agent(&self.directory, &self.config);
        await_listener(self.listener);
        agent
    }

    /// The replies to one message.
    fn send(&self, to: &[&str]) -> crate::client::Sent {
        let mut client = Client::connect(self.listener).unwrap();
        client.send(FROM, to, MESSAGE).unwrap()
    }
}

/// A host that is silent, then unreachable, and then available; and an agent that is killed during that time.
#[test]
fn a_stored_copy_holds_up_nothing_and_arrives_at_last() {
    let sink = Collector::start();
    let silent = TcpListener::bind(free_address()).unwrap();
    let archive = silent.local_addr().unwrap();
    let copying = Copying::new(sink.address, archive, "stored");
    let mut agent = copying.start();
    // The original is answered while the copy hangs, and so are later messages.
    for to in ["bob@example.com", "carol@example.com"] {
        let sent = copying.send(&[to]);
        assert!(sent.is_accepted(), "{sent:?}");
        assert!(sink.only_message(to).ends_with(MESSAGE));
    }
    let (connection, _) = silent.accept().unwrap();
    drop((connection, silent));
    let several = ["dave@example.com", "erin@example.com", "550@example.com"];
    let sent = copying.send(&several);
    assert!(
        sent.is_accepted() && sent.rcpts[2].starts_with("550"),
        "{sent:?}"
    );
    agent.kill();
    let copies = Collector::listen(archive);
    let _agent = copying.start();
    for to in [
        "bob@example.com",
        "carol@example.com",
        "dave@example.com",
        "erin@example.com",
    ] {
        // The copy contains what earlier filters have put into the message.
        assert_eq!(copies.only_message(to), sink.only_message(to));
    }
    assert_eq!(copies.count(), 4);
    assert_eq!(sink.count(), 4);
}

#[test]
fn the_refusal_of_a_copy_that_is_delivered_is_the_answer() {
    let host = Host::start(Manner::default());
    let copies = Collector::start();
    let copying = Copying::new(host.address, copies.address, "delivered");
    let _agent = copying.start();
    for (to, reply) in [
        ("end554@example.com", "554 5.0.0 as you asked"),
        ("550@example.com", "550 5.0.0 as you asked"),
        ("end451@example.com", "451 4.0.0 as you asked"),
    ] {
        let sent = copying.send(&[to]);
        assert_eq!(sent.message.as_deref(), Some(reply), "{to}");
    }
    assert_eq!((copies.count(), host.seen().transactions), (0, 0));
    let sent = copying.send(&["bob@example.com", "nobody@example.com"]);
    assert!(sent.is_accepted(), "{sent:?}");
    // The copy arrives before the answer, and there is none for a refused recipient.
    let copy = copies.messages("bob@example.com");
    assert!(copy.len() == 1 && copy[0].ends_with(MESSAGE), "{copy:?}");
    assert_eq!(copies.count(), 1);
    eventually(Duration::from_secs(20), || host.seen().transactions == 1);
    assert_eq!(host.seen().copies["bob@example.com"], 1);
}

/// Each recipient's copy is queued and attempted separately.
#[test]
fn copies_may_go_through_an_exploder() {
    for mode in ["delivered", "stored"] {
        let (sink, copies) = (Collector::start(), Collector::start());
        let mut copying = Copying::new(sink.address, copies.address, mode);
        let exploding = copying
            .config
            .replace(
                "tag: { mail: archive } }",
                "tag: { mail: exploding, leg: archive } }",
            )
            .replace(
                "chain:\n  - name: submission",
                "chain:\n  - name: exploding\n    endpoint: { exploder: { policy: submission, \
                 sender: archive, tag: leg } }\n  - name: submission",
            );
        assert_ne!(exploding, copying.config);
        copying.config = exploding;
        let _agent = copying.start();
        let to = ["bob@example.com", "carol@example.org"];
        let sent = copying.send(&to);
        assert!(sent.is_accepted(), "{mode}: {sent:?}");
        for to in to {
            assert_eq!(copies.only_message(to), sink.only_message(to), "{mode}");
        }
        assert_eq!(copies.count(), 2, "{mode}");
    }
}
