//! Clients that show certificates: Python's smtplib, curl, and another agent.

use std::{fs, net::SocketAddr, process::Stdio, time::Duration};

use koukan_core::test_util::Authority;
use tempfile::TempDir;

use crate::{
    auth::line_of,
    client::Client,
    collector::Collector,
    peers::{peer, run},
    process::{Process, await_listener, free_address},
};

const LIMIT: Duration = Duration::from_secs(30);

/// A directory with certificates: those of the servers, of a trusted client, and of one that is not trusted.
fn certificates() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let (authority, other) = (Authority::new(), Authority::new());
    let both = |authority: &Authority, name: &str| {
        let pem = authority.issue(name);
        pem.certificate + &pem.key
    };
    for (name, text) in [
        ("ca.pem", authority.pem()),
        ("mx.pem", both(&authority, "localhost")),
        ("own.pem", both(&authority, "relay.example.com")),
        ("stranger.pem", both(&other, "relay.example.com")),
    ] {
        fs::write(directory.path().join(name), text).unwrap();
    }
    directory
}

/// Accepts mail only from clients that have identified themselves with a certificate.
const KNOWN_ONLY: &str = "- policy_action: { tag: known, match: { not: { matcher: smtp_auth, \
                          identities: [relay.example.com] } }, action: REJECT }";

/// An agent that accepts mail only from clients with certificates.
fn receiver(directory: &TempDir, rule: &str, sink: SocketAddr) -> ([SocketAddr; 2], Process) {
    let [smtp, rest] = [(); 2].map(|()| free_address());
    let place = directory.path().display();
    let tls = format!(
        "tls: {{ certificate: [{{ file: \"{place}/mx.pem\" }}], client_ca: \"{place}/ca.pem\", \
         client_certificate: required }}"
    );
    let config = format!(
        r#"
hostname: localhost
storage: memory
notification: {{ sender: outgoing }}
smtp_listener: [{{ address: "{smtp}", sender: ingress, {tls} }}]
rest_listener: [{{ address: "{rest}", {tls}, host: [localhost], api: false }}]
sender:
  - {{ name: ingress, chain: ingress }}
  - {{ name: outgoing, chain: outgoing }}
chain:
  - name: ingress
    filter:
      {rule}
      - received_header
    endpoint: {{ exploder: {{ policy: ingress, sender: outgoing }} }}
  - name: outgoing
    endpoint: {{ smtp: {{ host: ["{sink}"] }} }}
log: {{ level: error }}
"#
    );
    let place = tempfile::tempdir_in(directory.path()).unwrap();
    let process = Process::start_agent(&place, &config);
    await_listener(smtp);
    await_listener(rest);
    ([smtp, rest], process)
}

const SMTPLIB: &str = r#"
import smtplib, ssl, sys
port, place = int(sys.argv[1]), sys.argv[2]
def connect(own):
    trust = ssl.create_default_context(cafile=place + "/ca.pem")
    if own:
        trust.load_cert_chain(place + "/" + own)
    client = smtplib.SMTP("localhost", port)
    client.starttls(context=trust)
    client.ehlo()
    return client
client = connect("own.pem")
assert client.esmtp_features["auth"].split() == ["EXTERNAL"], client.esmtp_features
# It is not known yet.
try:
    client.sendmail("c@example.org", ["a@example.com"], b"\r\nhi\r\n")
except (smtplib.SMTPSenderRefused, smtplib.SMTPRecipientsRefused):
    client.rset()
else:
    raise SystemExit("not refused")
# Nobody else.
assert client.docmd("AUTH", "EXTERNAL YWxpY2U=")[0] == 535
assert client.docmd("AUTH", "EXTERNAL =")[0] == 235
assert client.sendmail("c@example.org", ["a@example.com"], b"Subject: hi\r\n\r\nhi\r\n") == {}
for own in ["stranger.pem", None]:
    try:
        connect(own)
    except (ssl.SSLError, smtplib.SMTPServerDisconnected, OSError):
        pass
    else:
        raise SystemExit(f"{own} is served")
"#;

#[test]
fn smtplib_and_curl_show_a_certificate_or_are_not_served() {
    let (directory, sink) = (certificates(), Collector::start());
    let ([smtp, rest], _process) = receiver(&directory, KNOWN_ONLY, sink.address);
    let place = directory.path().display().to_string();
    let port = smtp.port().to_string();
    run(peer("python3").args(["-c", SMTPLIB, &port, &place]));
    let message = sink.only_message("a@example.com");
    // RFC 3848: with TLS and an identity.
    assert!(message.contains("with ESMTPSA"), "{message}");
    let curl = |own: Option<&str>| {
        let mut curl = peer("curl");
        curl.args(["--silent", "--cacert", &format!("{place}/ca.pem")]);
        if let Some(own) = own {
            curl.args(["--cert", &format!("{place}/{own}")]);
        }
        let url = format!("https://localhost:{}/healthz", rest.port());
        let output = curl.arg(url).stderr(Stdio::null()).output();
        output.unwrap().status.success()
    };
    assert!(curl(Some("own.pem")));
    assert!(!curl(Some("stranger.pem")) && !curl(None));
}

#[test]
fn an_agent_shows_its_certificate_to_another() {
    let (directory, sink) = (certificates(), Collector::start());
    let ([smtp, _], _receiver) = receiver(&directory, "", sink.address);
    let place = directory.path().display();
    for (own, expected) in [("own.pem", "250 2."), ("stranger.pem", "451 4.")] {
        let address = free_address();
        let config = format!(
            r#"
hostname: sender.example.com
storage: memory
notification: {{ sender: outgoing }}
smtp_listener: [{{ address: "{address}", sender: ingress }}]
sender:
  - {{ name: ingress, chain: ingress }}
  - {{ name: outgoing, chain: outgoing }}
chain:
  - {{ name: ingress, endpoint: {{ exploder: {{ policy: ingress, sender: outgoing }} }} }}
  - name: outgoing
    endpoint:
      smtp:
        host: ["localhost:{port}"]
        tls: verified
        ca_file: "{place}/ca.pem"
        certificate: {{ file: "{place}/{own}" }}
log: {{ level: error }}
"#,
            port = smtp.port(),
        );
        let own_place = tempfile::tempdir().unwrap();
        let _sender = Process::start_agent(&own_place, &config);
        await_listener(address);
        let mut client = Client::connect(address).unwrap();
        let sent = client.send("a@example.org", &["b@example.com"], "a: b\r\n\r\nhi\r\n");
        let sent = sent.unwrap();
        let last = sent.message.as_ref().or(sent.rcpts.last()).unwrap();
        assert!(last.starts_with(expected), "{own}: {sent:?}");
    }
    assert_eq!(sink.messages("b@example.com").len(), 1);
}

/// A server that asks for a certificate, and two that ask for different secrets. One agent can log in at each.
#[test]
fn an_agent_is_somebody_else_to_each_host() {
    let (directory, sink) = (certificates(), Collector::start());
    let ([by_certificate, _], _receiver) = receiver(&directory, "", sink.address);
    let place = directory.path().display().to_string();
    let secrets = ["open sesame", "another"];
    let mut ports = vec![by_certificate.port()];
    let mut servers = Vec::new();
    for (user, secret) in ["alice", "bob"].into_iter().zip(secrets) {
        let address = free_address();
        ports.push(address.port());
        let entry = line_of(user, secret);
        fs::write(directory.path().join(format!("{user}.users")), entry).unwrap();
        fs::write(directory.path().join(user), secret).unwrap();
        let own_place = tempfile::tempdir_in(directory.path()).unwrap();
        let config = format!(
            r#"
hostname: localhost
storage: memory
notification: {{ sender: outgoing }}
smtp_listener:
  - address: "{address}"
    sender: ingress
    tls: {{ certificate: [{{ file: "{place}/mx.pem" }}] }}
    auth: {{ password_file: "{place}/{user}.users", required: true }}
sender:
  - {{ name: ingress, chain: ingress }}
  - {{ name: outgoing, chain: outgoing }}
chain:
  - {{ name: ingress, endpoint: {{ exploder: {{ policy: ingress, sender: outgoing }} }} }}
  - {{ name: outgoing, endpoint: {{ smtp: {{ host: ["{sink}"] }} }} }}
log: {{ level: error }}
"#,
            sink = sink.address,
        );
        servers.push((Process::start_agent(&own_place, &config), own_place));
        await_listener(address);
    }
    let address = free_address();
    let [certificate, alice, bob] = ports[..] else {
        panic!("{ports:?}");
    };
    let config = format!(
        r#"
hostname: sender.example.com
storage: memory
notification: {{ sender: outgoing }}
smtp_listener: [{{ address: "{address}", sender: ingress }}]
destination:
  - {{ host: "localhost:{certificate}", certificate: {{ file: "{place}/own.pem" }} }}
  - {{ host: "localhost:{alice}", auth: {{ user: alice, password_file: "{place}/alice" }} }}
  - {{ host: "LOCALHOST:{bob}", auth: {{ user: bob, password_file: "{place}/bob" }} }}
sender:
  - {{ name: ingress, chain: ingress }}
  - {{ name: outgoing, chain: outgoing }}
chain:
  - {{ name: ingress, endpoint: {{ exploder: {{ policy: ingress, sender: outgoing }} }} }}
  - name: outgoing
    filter:
      - router:
          rules:
            - suffix: {{ suffix: c.example, hosts: ["localhost:{certificate}"] }}
            - suffix: {{ suffix: a.example, hosts: ["localhost:{alice}"] }}
            - suffix: {{ suffix: b.example, hosts: ["localhost:{bob}"] }}
    endpoint: {{ smtp: {{ tls: verified, ca_file: "{place}/ca.pem" }} }}
log: {{ level: error }}
"#
    );
    let own_place = tempfile::tempdir().unwrap();
    let mut sender = Process::start_agent(&own_place, &config);
    await_listener(address);
    let all = ["x@c.example", "x@a.example", "x@b.example"];
    let mut client = Client::connect(address).unwrap();
    for to in all {
        let sent = client
            .send("a@example.org", &[to], "a: b\r\n\r\nhi\r\n")
            .unwrap();
        let last = sent.message.as_ref().or(sent.rcpts.last()).unwrap();
        assert!(last.starts_with("250 2."), "{to}: {sent:?}");
        sink.only_message(to);
    }
    // A client without the right secret is not identified there.
    drop(client);
    sender.signal("TERM");
    sender.wait(LIMIT);
    fs::write(directory.path().join("bob"), secrets[0]).unwrap();
    let _sender = Process::start_agent(&own_place, &config);
    await_listener(address);
    let mut client = Client::connect(address).unwrap();
    for (to, expected) in [(all[2], "451 4.7.8"), (all[1], "250 2.")] {
        let sent = client
            .send("a@example.org", &[to], "a: b\r\n\r\nhi\r\n")
            .unwrap();
        let last = sent.message.as_ref().or(sent.rcpts.last()).unwrap();
        assert!(last.starts_with(expected), "{to}: {sent:?}");
    }
}
