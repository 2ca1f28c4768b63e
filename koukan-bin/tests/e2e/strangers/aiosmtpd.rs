//! aiosmtpd as a server that accepts mail only from one user, over STARTTLS.

use std::{fs, net::SocketAddr, time::Duration};

use serde_json::Value;
use tempfile::TempDir;

use super::{
    letter::{self, CONTENT},
    site::{PASSWORD, Site, USER},
};
use crate::{
    client::{Client, Sent},
    collector::Collector,
    peers::python_peer,
    process::{Process, await_listener, eventually, free_address, quoted},
};

/// The most octets of a message that it accepts.
const SIZE_MAX: usize = 40_000;

const CONFIG: &str = r#"
hostname: koukan.example
storage: memory
retry: { min_attempt_time: 1s, max_attempt_time: 1s }
notification: { sender: notices }
smtp_listener: [ { address: "LISTEN", sender: submission } ]
sender:
  - { name: submission, chain: submission }
  - { name: outgoing, chain: outgoing }
  - { name: notices, chain: notices }
chain:
  - { name: submission, endpoint: { exploder: { policy: submission, sender: outgoing } } }
  - { name: outgoing, endpoint: { smtp: { ENDPOINT } } }
  - { name: notices, endpoint: { smtp: { host: ["NOTICES"] } } }
log: { level: error }
"#;

/// The server.
struct Aiosmtpd {
    address: SocketAddr,
    _process: Process,
    folder: TempDir,
}

impl Aiosmtpd {
    fn start(site: &Site) -> Self {
        let (folder, address) = (tempfile::tempdir().unwrap(), free_address());
        let script = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/e2e/strangers/takes_of_one.py"
        );
        let process = Process::start(
            python_peer("python")
                .args([script, &address.to_string()])
                .arg(folder.path())
                .args([site.path("mx.pem"), site.path("mx.key")])
                .args([USER, PASSWORD, &SIZE_MAX.to_string()]),
        );
        await_listener(address);
        Self {
            address,
            _process: process,
            folder,
        }
    }

    /// What has come so far, in order.
    fn kept(&self) -> Vec<Value> {
        let read = |number: usize| {
            let file = self.folder.path().join(format!("{number}.json"));
            let text = fs::read_to_string(file).ok()?;
            Some(serde_json::from_str(&text).unwrap())
        };
        (1..).map_while(read).collect()
    }

    /// The only message for a recipient, once there is one.
    fn only(&self, to: &str) -> Value {
        let of = || {
            let mut all = self.kept();
            all.retain(|kept| kept["to"].as_array().unwrap().contains(&to.into()));
            all
        };
        eventually(Duration::from_secs(60), || !of().is_empty());
        let mut all = of();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }
}

/// An agent that delivers to it.
struct Front {
    address: SocketAddr,
    /// The notifications that senders get.
    notices: Collector,
    _process: Process,
    _directory: TempDir,
}

impl Front {
    fn start(endpoint: &str) -> Self {
        let (directory, notices) = (tempfile::tempdir().unwrap(), Collector::start());
        let address = free_address();
        let config = CONFIG
            .replace("LISTEN\"", &quoted(address))
            .replace("ENDPOINT", endpoint)
            .replace("NOTICES\"", &quoted(notices.address));
        let process = Process::start_agent(&directory, &config);
        await_listener(address);
        Self {
            address,
            notices,
            _process: process,
            _directory: directory,
        }
    }

    fn send(&self, from: &str, to: &[&str]) -> Sent {
        let mut client = Client::connect(self.address).unwrap();
        client.send(from, to, CONTENT).unwrap()
    }
}

#[test]
fn aiosmtpd_takes_of_its_user_over_starttls_what_is_beyond_ascii() {
    let site = Site::new();
    let server = Aiosmtpd::start(&site);
    let front = Front::start(&site.endpoint(server.address));
    let (from, to) = ("älice@example.org", "bøb@example.com");
    letter::send(front.address, from, to);
    let kept = server.only(to);
    assert_eq!(kept["from"], from);
    assert_eq!(kept["tls"], true);
    assert_eq!(kept["user"], USER);
    let content = kept["content"].as_str().unwrap();
    assert!(content.ends_with(CONTENT), "{content}");
    let options = kept["options"].as_array().unwrap();
    for option in ["BODY=8BITMIME", "SMTPUTF8"] {
        assert!(options.contains(&option.into()), "{options:?}");
    }
    // The server does not offer DSN, so the agent has to report that the server has the message.
    let told = front.notices.only_message(from);
    assert!(told.contains("Action: relayed"), "{told}");
    assert!(told.contains("Original-Envelope-Id: QQ314"), "{told}");
}

#[test]
fn what_aiosmtpd_refuses_is_told_and_what_it_defers_is_tried_again() {
    let site = Site::new();
    let server = Aiosmtpd::start(&site);
    let front = Front::start(&site.endpoint(server.address));
    let to = ["kept@example.com", "never@example.com", "later@example.com"];
    let sent = front.send("c@example.org", &to);
    let codes: Vec<_> = sent.rcpts.iter().map(|reply| &reply[..9]).collect();
    assert_eq!(codes[1], "550 5.1.1", "{sent:?}");
    assert!(codes[0].starts_with("250") && codes[2].starts_with("250"));
    assert!(sent.is_accepted(), "{sent:?}");
    server.only("kept@example.com");
    server.only("later@example.com");
    // The refusal comes at the end of the message.
    assert!(
        front
            .send("c@example.org", &["busy@example.com"])
            .is_accepted()
    );
    server.only("busy@example.com");
    let sent = front.send("c@example.org", &["atend@example.com"]);
    let last = sent.message.unwrap();
    assert!(last.starts_with("554 5.6.0 "), "{last}");
    // The sender is notified of what is deferred first and refused then, and of nothing else.
    assert!(
        front
            .send("c@example.org", &["then@example.com"])
            .is_accepted()
    );
    let told = front.notices.only_message("c@example.org");
    for words in [
        "Final-Recipient: rfc822; then@example.com",
        "Action: failed",
        "Status: 5.1.1",
        "nobody is called then",
    ] {
        assert!(told.contains(words), "{told}");
    }
    assert_eq!(server.kept().len(), 3);
}

#[test]
fn a_message_that_is_larger_than_aiosmtpd_takes_is_refused() {
    let site = Site::new();
    let server = Aiosmtpd::start(&site);
    let front = Front::start(&site.endpoint(server.address));
    let mut client = Client::connect(front.address).unwrap();
    let mut send = |size: usize| {
        let line = "x".repeat(76) + "\r\n";
        let content = format!("Subject: hi\r\n\r\n{}", line.repeat(size / line.len()));
        let length = content.len();
        let mail = client.command(&format!("MAIL FROM:<c@example.org> SIZE={length}"));
        assert!(mail.unwrap().starts_with("250"));
        let rcpt = client.command("RCPT TO:<bob@example.com>").unwrap();
        if !rcpt.starts_with("250") {
            client.command("RSET").unwrap();
            return rcpt;
        }
        assert!(client.command("DATA").unwrap().starts_with("354"));
        client.command(&format!("{content}.")).unwrap()
    };
    let reply = send(SIZE_MAX * 2);
    assert!(reply.starts_with("552 5."), "{reply}");
    let reply = send(SIZE_MAX / 2);
    assert!(reply.starts_with("250 2."), "{reply}");
    let kept = server.only("bob@example.com");
    let options = kept["options"].as_array().unwrap();
    let size = options.iter().filter_map(Value::as_str);
    let size = size.filter_map(|option| option.strip_prefix("SIZE="));
    let size: Vec<usize> = size.map(|size| size.parse().unwrap()).collect();
    assert!(
        size[0] >= kept["content"].as_str().unwrap().len(),
        "{size:?}"
    );
}

#[test]
fn aiosmtpd_is_shown_a_token_and_takes_nothing_for_another() {
    let site = Site::new();
    let server = Aiosmtpd::start(&site);
    let endpoint = site.endpoint(server.address);
    let endpoint = endpoint.replace("password_file", "token_file");
    let front = Front::start(&endpoint);
    let to = "bob@example.com";
    assert!(front.send("c@example.org", &[to]).is_accepted());
    let kept = server.only(to);
    assert_eq!(
        (&kept["user"], &kept["by_token"]),
        (&USER.into(), &true.into())
    );
    // What was kept is delivered once the token is right.
    fs::write(site.path("token"), "wrong").unwrap();
    let endpoint = endpoint.replace(&site.shown("password"), &site.shown("token"));
    let front = Front::start(&endpoint);
    let to = "carol@example.com";
    assert!(front.send("c@example.org", &[to]).is_accepted());
    assert_eq!(server.kept().len(), 1);
    fs::write(site.path("token"), PASSWORD).unwrap();
    assert_eq!(server.only(to)["by_token"], true);
}

/// The server refuses clients without authentication, and those without TLS.
#[test]
fn aiosmtpd_takes_nothing_from_anybody_else() {
    let site = Site::new();
    let server = Aiosmtpd::start(&site);
    let endpoint = site.endpoint(server.address);
    let unknown = &endpoint[..endpoint.find(", auth:").unwrap()];
    let clear = format!(
        "host: [\"localhost:{}\"], tls: never",
        server.address.port()
    );
    for (endpoint, expected) in [
        (unknown, "530 5.7.0 Authentication required"),
        (&*clear, "530"),
    ] {
        let front = Front::start(endpoint);
        let sent = front.send("c@example.org", &["bob@example.com"]);
        assert!(sent.rcpts[0].starts_with(expected), "{sent:?}");
        assert_eq!(sent.message, None);
    }
    assert_eq!(server.kept(), [] as [Value; 0]);
}
