//! Servers that accept only lines of ASCII, and Python's email package, which reads what they got:
//! aiosmtpd, and Postfix and Exim in front of it.

use std::{any::Any, fs, net::SocketAddr, time::Duration};

use serde_json::Value;
use tempfile::TempDir;

use super::{exim::Exim, postfix::Postfix};
use crate::{
    client::Client,
    peers::python_peer,
    process::{Process, await_listener, eventually, free_address, quoted},
};

const CONFIG: &str = r#"
hostname: koukan.example
storage: memory
notification: { sender: outgoing }
smtp_listener: [ { address: "LISTEN", sender: ingress } ]
sender:
  - { name: ingress, chain: ingress }
  - { name: outgoing, chain: outgoing }
chain:
  - { name: ingress, endpoint: { exploder: { policy: ingress, sender: outgoing } } }
  - { name: outgoing, endpoint: { smtp: { host: ["HOST"], tls: never DOWNGRADE } } }
log: { level: error }
"#;

const SIGNED: &str = "DKIM-Signature: v=1; d=example.org; s=s; b=x\r\n";
const MIME: &str = "From: a@example.org\r\nMIME-Version: 1.0\r\n";

/// A text, with a signature by its author beside it.
fn letter(header: &str) -> Vec<u8> {
    format!(
        "{header}{MIME}Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
         gr\u{fc}n \r\n.\r\nFrom me = you\r\n"
    )
    .into_bytes()
}

/// Octets in the server's notation.
fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// All kinds of octets, which are not lines.
fn octets() -> Vec<u8> {
    (0..=255).cycle().take(5000).collect()
}

/// A message that can only be sent by BDAT.
fn binary() -> Vec<u8> {
    let mut message = format!(
        "{MIME}Content-Type: multipart/mixed; boundary=\"b\"\r\nContent-Transfer-Encoding: binary\r\n\r\n\
         --b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\u{fc}\r\n\
         --b\r\nContent-Type: image/x-odd\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    )
    .into_bytes();
    message.extend_from_slice(&octets());
    message.extend_from_slice(b"\r\n--b--\r\n");
    message
}

/// The server, and an agent that delivers to it, or to a relay in front of it.
struct Site {
    agent: SocketAddr,
    folder: TempDir,
    _processes: [Process; 2],
    _relay: Box<dyn Any>,
    _directory: TempDir,
}

impl Site {
    fn start(downgrade: &str) -> Self {
        Self::before(downgrade, |server| (server, Box::new(())))
    }

    /// With a relay that passes on to the server what it accepts.
    fn before(
        downgrade: &str,
        relay: impl FnOnce(SocketAddr) -> (SocketAddr, Box<dyn Any>),
    ) -> Self {
        let (folder, directory) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (agent, host) = (free_address(), free_address());
        let script = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/e2e/strangers/takes_ascii.py"
        );
        let server = Process::start(
            python_peer("python")
                .args([script, &host.to_string()])
                .arg(folder.path()),
        );
        await_listener(host);
        let (host, relay) = relay(host);
        let config = CONFIG
            .replace("LISTEN\"", &quoted(agent))
            .replace("HOST\"", &quoted(host))
            .replace(" DOWNGRADE", downgrade);
        let process = Process::start_agent(&directory, &config);
        await_listener(agent);
        Self {
            agent,
            folder,
            _processes: [server, process],
            _relay: relay,
            _directory: directory,
        }
    }

    /// The final reply to a message.
    fn send(&self, message: &[u8], is_binary: bool) -> String {
        let mut client = Client::connect(self.agent).unwrap();
        let body = if is_binary { "BINARYMIME" } else { "8BITMIME" };
        let mail = client.command(&format!("MAIL FROM:<a@example.org> BODY={body}"));
        assert!(mail.unwrap().starts_with("250"));
        let rcpt = client.command("RCPT TO:<b@example.com>").unwrap();
        if !rcpt.starts_with("250") {
            return rcpt;
        }
        client.block(message).unwrap()
    }

    /// What the server has read from the only message so far.
    fn only(&self) -> Value {
        let [first, second] = ["1.json", "2.json"].map(|name| self.folder.path().join(name));
        eventually(Duration::from_secs(30), || first.exists());
        assert!(!second.exists());
        let text = fs::read_to_string(first).unwrap();
        serde_json::from_str(&text).unwrap()
    }
}

#[test]
fn without_the_option_what_it_does_not_take_is_refused() {
    let site = Site::start("");
    for (message, is_binary, reply) in [
        (letter(""), false, "554 5.6.3 "),
        (letter(SIGNED), false, "554 5.6.3 "),
        (binary(), true, "554 5.6.1 "),
        (letter(""), true, "554 5.6.1 "),
    ] {
        let said = site.send(&message, is_binary);
        assert!(said.starts_with(reply), "{said}");
    }
    // The message has no octet that needs an encoding.
    let said = site.send(b"Subject: hi\r\n\r\nhi\r\n", false);
    assert!(said.starts_with("250 "), "{said}");
    site.only();
}

#[test]
fn what_nobody_has_signed_is_encoded_and_python_reads_the_same() {
    is_encoded_and_read(&Site::start(", downgrade: unsigned"));
}

/// These relays encode nothing themselves, and do not offer 8BITMIME.
#[test]
fn postfix_and_exim_take_what_is_encoded_for_them_and_python_reads_the_same() {
    let unsigned = ", downgrade: unsigned";
    is_encoded_and_read(&Site::before(unsigned, |server| {
        let postfix = Postfix::of_ascii(server);
        (postfix.address, Box::new(postfix))
    }));
    is_encoded_and_read(&Site::before(unsigned, |server| {
        let exim = Exim::of_ascii(server);
        (exim.address, Box::new(exim))
    }));
}

/// With `downgrade: unsigned`, signed messages are refused, and others arrive.
fn is_encoded_and_read(site: &Site) {
    let said = site.send(&letter(SIGNED), false);
    assert!(said.starts_with("554 5.6.3 "), "{said}");
    let said = site.send(&binary(), true);
    assert!(said.starts_with("250 "), "{said}");
    let kept = site.only();
    assert_eq!(kept["defects"], serde_json::json!([]));
    assert_eq!(
        kept["encodings"],
        serde_json::json!(["quoted-printable", "base64"])
    );
    let contents = [hex("\u{fc}".as_bytes()), hex(&octets())];
    assert_eq!(kept["contents"], serde_json::json!(contents));
    let options = kept["options"].as_array().unwrap();
    assert!(
        options
            .iter()
            .all(|option| !option.as_str().unwrap().contains("BODY"))
    );
}

#[test]
fn what_is_signed_is_encoded_where_all_is() {
    let site = Site::start(", downgrade: all");
    let said = site.send(&letter(SIGNED), false);
    assert!(said.starts_with("250 "), "{said}");
    let kept = site.only();
    assert_eq!(kept["encodings"], serde_json::json!(["quoted-printable"]));
    let content = hex("gr\u{fc}n \r\n.\r\nFrom me = you\r\n".as_bytes());
    assert_eq!(kept["contents"], serde_json::json!([content]));
}
