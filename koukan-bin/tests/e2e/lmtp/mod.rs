//! Mailboxes by LMTP: Dovecot, Postfix's smtp-sink and aiosmtpd.

pub(crate) mod dovecot;
mod server;

use std::{net::SocketAddr, process::Stdio, time::Duration};

use tempfile::TempDir;

use crate::{
    collector::Collector,
    peers::{peer, python_peer, run},
    process::{Process, await_listener, eventually, free_address, quoted},
};

use self::dovecot::Dovecot;

/// Users submit mail for mailboxes, and get notifications at another destination.
const CONFIG: &str = r#"
hostname: koukan.localdomain
storage: { sqlite: DIRECTORY/koukan.sqlite }
retry: { min_attempt_time: 1s, max_attempt_time: 1s }
notification: { sender: notices }
smtp_listener: [ { address: "LISTEN", sender: submission } ]
sender:
  - { name: submission, chain: submission }
  - { name: mailboxes, chain: mailboxes }
  - { name: notices, chain: notices }
chain:
  - { name: submission, endpoint: { exploder: { policy: submission, sender: mailboxes } } }
  - { name: mailboxes, endpoint: { smtp: { host: ["MAILBOXES"], lmtp: true, tls: never } } }
  - { name: notices, endpoint: { smtp: { host: ["NOTICES"] } } }
log: { level: warn }
"#;

/// An agent in front of a server of mailboxes.
struct Front {
    address: SocketAddr,
    /// The notifications that senders get.
    notices: Collector,
    _process: Process,
    _directory: TempDir,
}

impl Front {
    fn start(mailboxes: SocketAddr) -> Self {
        Self::start_with(mailboxes, |config| config)
    }

    /// Starts it with a changed configuration.
    fn start_with(mailboxes: SocketAddr, change: impl FnOnce(String) -> String) -> Self {
        let (directory, notices) = (tempfile::tempdir().unwrap(), Collector::start());
        let address = free_address();
        let config = CONFIG
            .replace("DIRECTORY", &directory.path().display().to_string())
            .replace("LISTEN\"", &quoted(address))
            .replace("MAILBOXES\"", &quoted(mailboxes))
            .replace("NOTICES\"", &quoted(notices.address));
        let process = Process::start_agent(&directory, &change(config));
        await_listener(address);
        Self {
            address,
            notices,
            _process: process,
            _directory: directory,
        }
    }

    /// Sends a message by smtplib to these recipients, all of which must be accepted, and asks for
    /// notifications of success.
    fn send(&self, to: &[&str]) {
        let address = self.address.to_string();
        run(peer("python3").args(["-c", SEND, &address]).args(to));
    }

    /// The notifications to its sender, once they report that many recipients, together or each in
    /// its own.
    fn notices_of(&self, recipients: usize) -> Vec<String> {
        let notices = || self.notices.messages("c@example.org");
        let told = || {
            notices()
                .iter()
                .map(|notice| told(notice).len())
                .sum::<usize>()
        };
        eventually(Duration::from_secs(60), || told() >= recipients);
        notices()
    }
}

const SEND: &str = r#"
import smtplib, sys
host, port = sys.argv[1].split(":")
message = b"Subject: to mailboxes\r\n\r\n.dot\r\n" + b"line\r\n" * 500
with smtplib.SMTP(host, int(port)) as client:
    refused = client.sendmail("c@example.org", sys.argv[2:], message,
        rcpt_options=["NOTIFY=SUCCESS,FAILURE"])
    assert refused == {}, refused
"#;

/// What a notification says about each recipient.
fn told(notice: &str) -> Vec<(String, String)> {
    let field = |name: &str| {
        let lines = notice.lines();
        let values = lines.filter_map(|line| line.strip_prefix(name));
        values.map(str::to_owned).collect::<Vec<_>>()
    };
    let recipients = field("Final-Recipient: rfc822; ");
    recipients.into_iter().zip(field("Action: ")).collect()
}

#[test]
fn each_mailbox_of_dovecot_has_the_message_or_its_sender_hears_why_not() {
    let dovecot = Dovecot::start(
        &["bob@example.com", "dora@example.com"],
        &["full@example.com"],
    );
    let front = Front::start(dovecot.address);
    front.send(&["bob@example.com", "full@example.com", "dora@example.com"]);
    for name in ["bob@example.com", "dora@example.com"] {
        let message = dovecot.only_message(name);
        assert!(message.contains("Subject: to mailboxes"), "{message:.300}");
        assert!(message.contains("\n.dot\nline\n"), "{message:.300}");
    }
    let notices = front.notices_of(3);
    let mut all: Vec<_> = notices.iter().flat_map(|notice| told(notice)).collect();
    all.sort_unstable();
    let expected = [
        ("bob@example.com", "delivered"),
        ("dora@example.com", "delivered"),
        ("full@example.com", "failed"),
    ];
    let expected = expected.map(|(name, action)| (name.to_owned(), action.to_owned()));
    assert_eq!(all, expected, "{notices:?}");
    let failure = notices
        .iter()
        .find(|notice| notice.contains("Action: failed"));
    assert!(failure.unwrap().contains("Quota exceeded"), "{failure:?}");
    assert_eq!(dovecot.messages("full@example.com"), 0);
}

#[test]
fn dovecot_is_reached_by_its_unix_socket() {
    let dovecot = Dovecot::start(&["bob@example.com"], &["full@example.com"]);
    let socket = format!("unix:{}", dovecot.socket().display());
    let front = Front::start_with(dovecot.address, |config| {
        let by_address = quoted(dovecot.address);
        assert!(config.contains(&by_address));
        let config = config.replace(&by_address, &format!("{socket}\""));
        config.replace(", tls: never", "")
    });
    front.send(&["bob@example.com", "full@example.com"]);
    let message = dovecot.only_message("bob@example.com");
    assert!(message.contains("\n.dot\nline\n"), "{message:.300}");
    let notices = front.notices_of(2);
    let mut all: Vec<_> = notices.iter().flat_map(|notice| told(notice)).collect();
    all.sort_unstable();
    let expected = [
        ("bob@example.com", "delivered"),
        ("full@example.com", "failed"),
    ];
    let expected = expected.map(|(name, action)| (name.to_owned(), action.to_owned()));
    assert_eq!(all, expected, "{notices:?}");
    for notice in notices {
        assert!(!notice.contains(&socket), "{notice}");
    }
}

#[test]
fn a_mailbox_that_is_not_there_is_refused_at_once() {
    let dovecot = Dovecot::start(&["bob@example.com"], &[]);
    let front = Front::start(dovecot.address);
    let script = r#"
import smtplib, sys
host, port = sys.argv[1].split(":")
with smtplib.SMTP(host, int(port)) as client:
    refused = client.sendmail("c@example.org", ["bob@example.com", "nobody@example.com"], b"\r\nhi\r\n")
    assert list(refused) == ["nobody@example.com"], refused
    assert refused["nobody@example.com"][0] == 550, refused
"#;
    let address = front.address.to_string();
    run(peer("python3").args(["-c", script, &address]));
    assert!(dovecot.only_message("bob@example.com").contains("hi"));
}

/// This server announces DSN, so it has to report success itself.
#[test]
fn smtp_sink_takes_message_after_message_for_all_recipients_at_once() {
    let (folder, address) = (tempfile::tempdir().unwrap(), free_address());
    run(peer("chmod").arg("777").arg(folder.path()));
    let user = run(peer("id").arg("-un"));
    let user = match user.trim() {
        // If root starts it, it must run as another user.
        "root" => "nobody",
        user => user,
    };
    let mut sink = peer("smtp-sink");
    sink.args(["-L", "-u", user, "-d"])
        .arg(folder.path().join("mail.%M"));
    let sink = sink.arg(address.to_string()).arg("64");
    let _sink = Process::start(sink.stderr(Stdio::null()));
    await_listener(address);
    let front = Front::start(address);
    let to: Vec<_> = (0..20).map(|n| format!("r{n}@example.com")).collect();
    let to: Vec<_> = to.iter().map(String::as_str).collect();
    for _ in 0..3 {
        front.send(&to);
    }
    let messages = std::fs::read_dir(folder.path()).unwrap();
    let messages = messages.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    let recipients = messages.map(|message| message.matches("X-Rcpt-Args: ").count());
    assert_eq!(recipients.collect::<Vec<_>>(), [20; 3]);
    assert_eq!(front.notices.count(), 0);
}

/// A server whose reply depends on the recipient's name.
const AIOSMTPD: &str = r#"
import asyncio, sys
from aiosmtpd.lmtp import LMTP
host, port = sys.argv[1].split(":")
class Handler:
    later = set()
    async def handle_DATA(self, server, session, envelope):
        replies = []
        for to in envelope.rcpt_tos:
            if to.startswith("never"):
                replies.append("554 5.7.1 not for " + to)
            elif to.startswith("later") and to not in self.later:
                self.later.add(to)
                replies.append("450 4.2.1 later")
            else:
                replies.append("250 2.1.5 kept")
        return "\r\n".join(replies)
async def main():
    loop = asyncio.get_running_loop()
    await loop.create_server(lambda: LMTP(Handler(), enable_SMTPUTF8=True), host, int(port))
    await asyncio.Event().wait()
asyncio.run(main())
"#;

#[test]
fn of_one_message_to_aiosmtpd_one_is_kept_one_is_tried_again_and_one_fails() {
    let address = free_address();
    let _server =
        Process::start(python_peer("python").args(["-c", AIOSMTPD, &address.to_string()]));
    await_listener(address);
    let front = Front::start(address);
    front.send(&["kept@example.com", "later@example.com", "never@example.com"]);
    let notices = front.notices_of(3);
    let mut all: Vec<_> = notices.iter().flat_map(|notice| told(notice)).collect();
    all.sort_unstable();
    let expected = [
        ("kept@example.com", "delivered"),
        ("later@example.com", "delivered"),
        ("never@example.com", "failed"),
    ];
    let expected = expected.map(|(name, action)| (name.to_owned(), action.to_owned()));
    assert_eq!(all, expected);
    let is_of_never = |notice: &&String| notice.contains("not for never@example.com");
    assert!(notices.iter().any(|notice| is_of_never(&notice)));
}
