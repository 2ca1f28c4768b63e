//! Users who authenticate with swaks and Python's smtplib.

use std::{
    fs,
    io::Write,
    net::SocketAddr,
    process::{Command, Stdio},
    time::Duration,
};

use koukan_core::{
    clock::{Clock, SystemClock},
    test_util::Authority,
};
use tempfile::TempDir;

use crate::{
    collector::Collector,
    peers::{peer, run},
    process::{Process, await_listener, comes_within, free_address},
};

/// A user's line in a password file.
pub(crate) fn line_of(user: &str, password: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_koukan"));
    let mut passwd = command
        .args(["passwd", user, "--iterations", "4096"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = passwd.stdin.take().unwrap();
    writeln!(input, "{password}").unwrap();
    drop(input);
    let output = passwd.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

/// An agent that delivers mail of users, and refuses other mail.
pub(crate) struct Agent {
    pub(crate) address: SocketAddr,
    pub(crate) directory: TempDir,
    _process: Process,
}

impl Agent {
    pub(crate) fn start(sink: SocketAddr) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let authority = Authority::new();
        let pem = authority.issue("localhost");
        for (name, text) in [
            ("ca.pem", authority.pem()),
            ("mx.pem", pem.certificate + &pem.key),
            ("users", line_of("alice", "pen cil")),
        ] {
            fs::write(path(name), text).unwrap();
        }
        let address = free_address();
        let (certificate, users) = (path("mx.pem"), path("users"));
        let text = format!(
            r#"
hostname: mx.example.com
storage: memory
notification: {{ sender: outgoing }}
smtp_listener:
  - address: "{address}"
    sender: ingress
    tls: {{ certificate: [{{ file: "{}" }}] }}
    auth: {{ password_file: "{}", required: true, sender: users, future_release: true }}
sender:
  - {{ name: ingress, chain: ingress }}
  - {{ name: users, chain: users }}
  - {{ name: outgoing, chain: outgoing }}
chain:
  - name: ingress
    endpoint: {{ exploder: {{ policy: ingress, sender: outgoing }} }}
  - name: users
    filter: [received_header]
    endpoint: {{ exploder: {{ policy: submission, sender: outgoing }} }}
  - name: outgoing
    endpoint: {{ smtp: {{ host: ["{sink}"] }} }}
log: {{ level: error }}
"#,
            certificate.display(),
            users.display()
        );
        let process = Process::start_agent(&directory, &text);
        await_listener(address);
        Self {
            address,
            directory,
            _process: process,
        }
    }

    /// Sends a message with swaks; returns the conversation, and whether the message was accepted.
    fn swaks(&self, to: &str, arguments: &[&str]) -> (bool, String) {
        let server = format!("localhost:{}", self.address.port());
        let output = peer("swaks")
            .args(["--to", to, "--from", "alice@example.org"])
            .args(["--server", &server])
            .args(arguments)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.success(), said)
    }
}

#[test]
fn swaks_authenticates_itself_or_sends_nothing() {
    let sink = Collector::start();
    let agent = Agent::start(sink.address);
    let as_alice = ["--auth-user", "alice", "--auth-password", "pen cil"];
    for (to, mechanism) in [("a@example.com", "PLAIN"), ("b@example.com", "LOGIN")] {
        let arguments = [&as_alice[..], &["--auth", mechanism, "--tls"]].concat();
        let (is_taken, said) = agent.swaks(to, &arguments);
        assert!(is_taken && said.contains("235 2.7.0"), "{said}");
        let message = sink.only_message(to);
        assert!(message.contains("ESMTPSA"), "{message}");
    }
    let (is_taken, said) = agent.swaks("c@example.com", &["--tls"]);
    assert!(!is_taken && said.contains("530 5.7.0"), "{said}");
    let wrong = [
        "--auth",
        "PLAIN",
        "--auth-user",
        "alice",
        "--auth-password",
        "x",
        "--tls",
    ];
    let (is_taken, said) = agent.swaks("c@example.com", &wrong);
    assert!(!is_taken && said.contains("535 5.7.8"), "{said}");
    let cram = [&as_alice[..], &["--auth", "CRAM-MD5", "--tls"]].concat();
    let (is_taken, said) = agent.swaks("c@example.com", &cram);
    assert!(!is_taken && !said.contains("AUTH CRAM"), "{said}");
}

#[test]
fn python_authenticates_itself_and_users_follow_their_file() {
    let sink = Collector::start();
    let agent = Agent::start(sink.address);
    let script = "import smtplib, ssl, sys\n\
        port, ca, user, password, to = sys.argv[1:]\n\
        trust = ssl.create_default_context(cafile=ca)\n\
        with smtplib.SMTP('localhost', int(port)) as s:\n\
        \x20   s.starttls(context=trust)\n\
        \x20   s.login(user, password)\n\
        \x20   s.sendmail('x@example.org', [to], 'a: b\\n\\nhello\\n')\n";
    let ca = agent.directory.path().join("ca.pem").display().to_string();
    let send = |user: &str, password: &str, to: &str| {
        let port = agent.address.port().to_string();
        let mut python = peer("python3");
        python.args(["-c", script, &port, &ca, user, password, to]);
        python
    };
    run(&mut send("alice", "pen cil", "a@example.com"));
    assert!(sink.only_message("a@example.com").contains("ESMTPSA"));
    fs::write(
        agent.directory.path().join("users"),
        line_of("bob", "new") + &line_of("alice", "other"),
    )
    .unwrap();
    let is_known = || {
        let output = send("bob", "new", "b@example.com").output().unwrap();
        output.status.success()
    };
    assert!(comes_within(Duration::from_secs(60), is_known));
    let old = send("alice", "pen cil", "c@example.com").output().unwrap();
    let error = String::from_utf8_lossy(&old.stderr);
    assert!(error.contains("SMTPAuthenticationError: (535"), "{error}");
}

#[test]
fn python_has_a_message_sent_later() {
    let sink = Collector::start();
    let agent = Agent::start(sink.address);
    let script = "import smtplib, ssl, sys\n\
        port, ca = sys.argv[1:]\n\
        trust = ssl.create_default_context(cafile=ca)\n\
        with smtplib.SMTP('localhost', int(port)) as s:\n\
        \x20   s.starttls(context=trust)\n\
        \x20   s.login('alice', 'pen cil')\n\
        \x20   assert s.esmtp_features['futurerelease'].startswith('2592000 20'), s.esmtp_features\n\
        \x20   for to, hold in ('later@example.com', ['HOLDFOR=3']), ('now@example.com', []):\n\
        \x20       s.sendmail('x@example.org', [to], 'a: b\\n\\nhello\\n', hold)\n";
    let ca = agent.directory.path().join("ca.pem").display().to_string();
    let port = agent.address.port().to_string();
    let began = SystemClock.now();
    run(peer("python3").args(["-c", script, &port, &ca]));
    assert!(sink.only_message("now@example.com").contains("ESMTPSA"));
    assert!(sink.only_message("later@example.com").contains("hello"));
    assert!(SystemClock.now().duration_since(began).as_secs() >= 3);
}
