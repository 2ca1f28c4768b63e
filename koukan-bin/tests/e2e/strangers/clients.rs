//! Programs that users send mail with.

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    process::{Output, Stdio},
};

use super::site::{Agent, PASSWORD, Site, USER};
use crate::{
    collector::{Collector, without_trace},
    peers::{node_modules, peer, run},
};

fn deliver_to(sink: &Collector, site: &Site) -> Agent {
    Agent::start(site, &format!("host: [\"{}\"]", sink.address))
}

/// Sends a message by msmtp with these lines in its configuration.
fn msmtp(site: &Site, port: u16, to: &str, more: &str) -> Output {
    let file = site.path("msmtp");
    let text = format!(
        "account default\nhost localhost\nport {port}\ntls on\ntls_trust_file {}\nuser {USER}\n\
         from alice@example.org\n{more}\n",
        site.shown("ca.pem")
    );
    fs::write(&file, text).unwrap();
    // msmtp refuses to read the file if others may read it.
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let mut command = peer("msmtp");
    command
        .arg("--file")
        .arg(&file)
        .arg(to)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input
        .write_all("Subject: hi\n\n.\nhällo\n".as_bytes())
        .unwrap();
    drop(input);
    child.wait_with_output().unwrap()
}

#[test]
fn msmtp_sends_by_each_mechanism() {
    let (site, sink) = (Site::new(), Collector::start());
    let agent = deliver_to(&sink, &site);
    for (mechanism, starttls, address) in [
        ("plain", "on", agent.users),
        ("login", "off", agent.immediate),
        ("scram-sha-256", "on", agent.users),
        // Here msmtp chooses the best mechanism.
        ("on", "off", agent.immediate),
    ] {
        let to = format!("{mechanism}@example.com");
        let more = format!("auth {mechanism}\ntls_starttls {starttls}\npassword {PASSWORD}");
        let output = msmtp(&site, address.port(), &to, &more);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{mechanism}: {said}");
        let message = sink.only_message(&to);
        assert!(message.contains("ESMTPSA"), "{message}");
        assert!(message.ends_with("\r\n\r\n.\r\nhällo\r\n"), "{message}");
    }
    let wrong = "auth scram-sha-256\npassword wrong";
    let output = msmtp(&site, agent.users.port(), "x@example.com", wrong);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("535"), "{said}");
}

#[test]
fn nodemailer_sends_in_each_way() {
    let (site, sink) = (Site::new(), Collector::start());
    let agent = deliver_to(&sink, &site);
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/e2e/strangers/nodemailer.js"
    );
    run(peer("node")
        .arg(script)
        .arg(node_modules())
        .args([agent.users, agent.immediate].map(|address| address.port().to_string()))
        .arg(site.path("ca.pem"))
        .args([USER, PASSWORD]));
    let ways = ["offered", "immediate"].iter();
    let ways = ways.flat_map(|way| ["PLAIN", "LOGIN"].map(|method| format!("{way}-{method}")));
    let pool = (0..20).map(|number| format!("pool{number}"));
    for local in ways.chain(pool).chain(["bøb".into(), "dsn".into()]) {
        let message = sink.only_message(&format!("{local}@example.com"));
        assert!(message.contains("SMTPSA"), "{message:.300}");
        assert!(without_trace(&message).len() > 400_000);
    }
    let asked = sink.asked("dsn@example.com");
    for parameter in [
        "RET=HDRS",
        "ENVID=QQ314",
        "NOTIFY=SUCCESS",
        "first@example.org",
    ] {
        assert!(asked.contains(parameter), "{asked}");
    }
}

#[test]
fn swaks_authenticates_itself_behind_a_load_balancer() {
    let (site, sink) = (Site::new(), Collector::start());
    let agent = deliver_to(&sink, &site);
    let server = format!("127.0.0.1:{}", agent.proxied.port());
    for (to, mechanism, version, family) in [
        ("a@example.com", "PLAIN", "1", "TCP4"),
        ("b@example.com", "LOGIN", "2", "AF_INET"),
    ] {
        run(peer("swaks")
            .args([
                "--to",
                to,
                "--from",
                "alice@example.org",
                "--server",
                &server,
            ])
            .args(["--proxy-version", version, "--proxy-family", family])
            .args(["--proxy-source", "192.0.2.7", "--proxy-source-port", "5123"])
            .args(["--proxy-dest", "192.0.2.1", "--proxy-dest-port", "25"])
            .args(["--tls", "--auth", mechanism])
            .args(["--auth-user", USER, "--auth-password", PASSWORD]));
        let message = sink.only_message(to);
        let trace = &message[..message.find("Date:").unwrap()];
        assert!(trace.contains("192.0.2.7"), "{message}");
        assert!(trace.contains("ESMTPSA"), "{message}");
    }
}

/// openssl sends what it should after STARTTLS, and gets each reply.
#[test]
fn openssl_sends_over_starttls() {
    let (site, sink) = (Site::new(), Collector::start());
    let agent = deliver_to(&sink, &site);
    let secret = format!("\0{USER}\0{PASSWORD}");
    let encoded = run(peer("python3").args([
        "-c",
        "import base64, sys; print(base64.b64encode(sys.argv[1].encode().replace(b'|', b'\\0')).decode())",
        &secret.replace('\0', "|"),
    ]));
    let mut openssl = peer("openssl");
    openssl
        .args(["s_client", "-quiet", "-crlf", "-starttls", "smtp"])
        .args(["-CAfile", &site.shown("ca.pem"), "-verify_return_error"])
        .args(["-connect", &format!("localhost:{}", agent.users.port())])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = openssl.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let lines = [
        "EHLO openssl.example",
        &format!("AUTH PLAIN {}", encoded.trim()),
        "MAIL FROM:<alice@example.org>",
        // With `-quiet`, no letter at the beginning of a line is a command of openssl.
        "RCPT TO:<bob@example.com>",
        "DATA",
        "Subject: hi",
        "",
        "hello",
        ".",
        "QUIT",
    ];
    input
        .write_all((lines.join("\n") + "\n").as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    drop(input);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        said.contains("235 2.7.0") && said.contains("221 "),
        "{said}"
    );
    assert!(sink.only_message("bob@example.com").contains("ESMTPSA"));
}
