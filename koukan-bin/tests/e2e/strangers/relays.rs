//! Other agents in front of this one and behind it.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, net::UnixStream},
    time::Duration,
};

use super::{
    exim::Exim,
    letter::{self, CONTENT, OF_MAIL, OF_RCPT},
    postfix::Postfix,
    site::{Agent, Site},
};
use crate::{
    client::Client,
    collector::Collector,
    process::{Process, await_listener, eventually, free_address},
};

const FROM: &str = "älice@example.org";
const TO: &str = "bøb@example.com";

/// The message has come over TLS, from a user, with addresses beyond ASCII, and is unchanged.
fn is_well(sink: &Collector) {
    let message = sink.only_message(TO);
    assert!(message.contains("UTF8SMTPSA"), "{message}");
    assert!(message.ends_with(CONTENT), "{message}");
    let asked = sink.asked(TO);
    for parameter in OF_MAIL.split(' ').chain(OF_RCPT.split(' ')) {
        assert!(asked.contains(parameter), "{asked}");
    }
}

/// The sender was notified that the message was relayed to a host that sends no notifications.
fn is_told(sink: &Collector) {
    let told = sink.only_message(FROM);
    for words in [
        "multipart/report",
        "Action: relayed",
        "Original-Envelope-Id: QQ314",
        "Original-Recipient: rfc822;",
        "first@example.org",
    ] {
        assert!(told.contains(words), "{told}");
    }
}

#[test]
fn postfix_passes_mail_on_to_us() {
    for mechanism in ["PLAIN", "LOGIN", "SCRAM-SHA-256"] {
        let (site, sink) = (Site::new(), Collector::start());
        let agent = Agent::start(&site, &format!("host: [\"{}\"]", sink.address));
        let postfix = Postfix::client(&site, agent.users, mechanism);
        letter::send(postfix.address, FROM, TO);
        is_well(&sink);
        postfix.await_line(&["Verified TLS connection"]);
        postfix.await_line(&["status=sent", "250 2.6.0"]);
    }
}

#[test]
fn postfix_hands_mail_to_us_by_lmtp_and_hears_of_each_recipient() {
    let sink = Collector::start();
    let directory = tempfile::tempdir().unwrap();
    // Postfix runs as another user.
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let socket = directory.path().join("lmtp");
    let config = format!(
        r#"
hostname: koukan.example
storage: memory
notification: {{ sender: outgoing }}
smtp_listener: [{{ address: "unix:{}", socket: {{ mode: "0666" }}, sender: ingress, lmtp: true }}]
sender:
  - {{ name: ingress, chain: ingress }}
  - {{ name: outgoing, chain: outgoing }}
chain:
  - {{ name: ingress, filter: [received_header], endpoint: {{ exploder: {{ policy: ingress, sender: outgoing }} }} }}
  - {{ name: outgoing, endpoint: {{ smtp: {{ host: ["{}"] }} }} }}
log: {{ level: error }}
"#,
        socket.display(),
        sink.address
    );
    let _agent = Process::start_agent(&directory, &config);
    eventually(Duration::from_secs(30), || {
        UnixStream::connect(&socket).is_ok()
    });
    let postfix = Postfix::lmtp_client(&socket);
    let mut client = Client::connect(postfix.address).unwrap();
    let to = ["a@example.com", "550@example.com", "b@example.com"];
    let sent = client
        .send("c@example.org", &to, "Subject: by lmtp\r\n\r\n.dot\r\n")
        .unwrap();
    assert!(
        sent.rcpts.iter().all(|reply| reply.starts_with("250")),
        "{sent:?}"
    );
    for name in ["a@example.com", "b@example.com"] {
        postfix.await_line(&[&format!("to=<{name}>"), "postfix/lmtp", "status=sent"]);
        let message = sink.only_message(name);
        assert!(
            message.contains("with LMTP") && message.contains("\r\n.dot\r\n"),
            "{message}"
        );
    }
    postfix.await_line(&["to=<550@example.com>", "status=bounced", "550"]);
}

#[test]
fn we_pass_mail_on_to_postfix() {
    for mechanism in ["PLAIN", "SCRAM-SHA-256"] {
        let (site, sink) = (Site::new(), Collector::start());
        let postfix = Postfix::server(&site, sink.address, mechanism);
        let agent = Agent::start(&site, &site.endpoint(postfix.address));
        letter::send(agent.open, FROM, TO);
        let message = sink.only_message(TO);
        assert!(message.contains("Authenticated sender: alice"), "{message}");
        assert!(message.contains("TLSv1.3"), "{message}");
        assert!(message.ends_with(CONTENT), "{message}");
        postfix.await_line(&[&format!("sasl_method={mechanism}")]);
        is_told(&sink);
    }
}

#[test]
fn what_postfix_refuses_is_refused() {
    let (site, sink) = (Site::new(), Collector::start());
    let postfix = Postfix::server(&site, sink.address, "PLAIN");
    let ca = site.shown("ca.pem");
    let port = postfix.address.port();
    let endpoint = format!("host: [\"localhost:{port}\"], tls: verified, ca_file: \"{ca}\"");
    let agent = Agent::start(&site, &endpoint);
    let mut client = crate::client::Client::connect(agent.open).unwrap();
    let sent = client.send("alice@example.org", &["bob@example.com"], "a: b\r\n\r\n");
    let sent = sent.unwrap();
    assert!(sent.rcpts[0].starts_with("554 5.7.1 "), "{sent:?}");
}

#[test]
fn exim_passes_mail_on_to_us() {
    let (site, sink) = (Site::new(), Collector::start());
    let agent = Agent::start(&site, &format!("host: [\"{}\"]", sink.address));
    let exim = Exim::client(&site, agent.users);
    letter::send(exim.address, FROM, TO);
    is_well(&sink);
    // Exim has used BDAT, over TLS with a verified certificate, as a user.
    exim.await_line(&["=> ", "R=all", " K ", " A=user", " X=TLS1.3", " CV=yes"]);
}

#[test]
fn we_pass_mail_on_to_exim() {
    let (site, sink) = (Site::new(), Collector::start());
    let exim = Exim::server(&site, sink.address);
    let agent = Agent::start(&site, &site.endpoint(exim.address));
    letter::send(agent.open, FROM, TO);
    let message = sink.only_message(TO);
    assert!(message.contains("utf8esmtpsa"), "{message}");
    assert!(message.ends_with(CONTENT), "{message}");
    exim.await_line(&["<= ", " P=utf8esmtpsa ", " A=user:alice ", " K "]);
    let asked = sink.asked(TO);
    for parameter in OF_MAIL.split(' ').chain(OF_RCPT.split(' ')) {
        assert!(asked.contains(parameter), "{asked}");
    }
}

/// TLS from the first octet on, which Postfix calls wrapper mode, as at a provider's port 465.
#[test]
fn we_pass_mail_on_to_postfix_that_begins_with_tls() {
    let (site, sink) = (Site::new(), Collector::start());
    let postfix = Postfix::server_at_once(&site, sink.address);
    let endpoint = site.endpoint(postfix.address) + ", tls_mode: immediate";
    let agent = Agent::start(&site, &endpoint);
    for to in ["bøb@example.com", "cärol@example.com"] {
        letter::send(agent.open, FROM, to);
        let message = sink.only_message(to);
        assert!(message.contains("Authenticated sender: alice"), "{message}");
        assert!(message.contains("TLSv1.3"), "{message}");
        assert!(message.ends_with(CONTENT), "{message}");
    }
    // The connection is kept from the first message to the second.
    assert_eq!(postfix.lines(&["sasl_method=PLAIN"]), 2);
    assert_eq!(postfix.lines(&["TLS connection established from"]), 1);
}

#[test]
fn we_pass_mail_on_to_exim_that_begins_with_tls() {
    let (site, sink) = (Site::new(), Collector::start());
    let exim = Exim::server_at_once(&site, sink.address);
    let endpoint = site.endpoint(exim.address) + ", tls_mode: immediate";
    let agent = Agent::start(&site, &endpoint);
    letter::send(agent.open, FROM, TO);
    let message = sink.only_message(TO);
    assert!(message.ends_with(CONTENT), "{message}");
    exim.await_line(&[
        "<= ",
        " P=utf8esmtpsa ",
        " X=TLS1.3",
        " A=user:alice ",
        " K ",
    ]);
}

/// A password is not sent to a server whose certificate is not believed, nor to one that greets in clear.
#[test]
fn postfix_gets_nothing_if_tls_does_not_begin_as_it_should() {
    let (site, other, sink) = (Site::new(), Site::new(), Collector::start());
    let at_once = Postfix::server_at_once(&site, sink.address);
    let by_starttls = Postfix::server(&site, sink.address, "PLAIN");
    let ca = other.shown("ca.pem");
    for (endpoint, expected) in [
        (
            site.endpoint(at_once.address)
                .replace(&site.shown("ca.pem"), &ca),
            "451 4.7.5",
        ),
        (site.endpoint(by_starttls.address), "451 4.7.4"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let address = free_address();
        let config = format!(
            r#"
hostname: koukan.example
storage: memory
notification: {{ sender: out }}
smtp_listener: [{{ address: "{address}", sender: out }}]
sender: [{{ name: out, chain: out }}]
chain: [{{ name: out, endpoint: {{ smtp: {{ {endpoint}, tls_mode: immediate }} }} }}]
log: {{ level: error }}
"#
        );
        let _agent = Process::start_agent(&directory, &config);
        await_listener(address);
        let mut client = Client::connect(address).unwrap();
        let sent = client.send("a@example.org", &["b@example.com"], "a: b\r\n\r\n");
        let sent = sent.unwrap();
        assert!(sent.rcpts[0].starts_with(expected), "{sent:?}");
    }
    for postfix in [at_once, by_starttls] {
        assert_eq!(postfix.lines(&["sasl_method"]), 0);
    }
    assert_eq!(sink.count(), 0);
}
