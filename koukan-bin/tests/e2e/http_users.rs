//! Users that only an HTTP server knows; here it is Python's.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::Stdio,
};

use tempfile::TempDir;

use crate::{
    collector::Collector,
    peers::{peer, run},
    process::{Process, await_listener, free_address},
    tls::Files,
};

/// Knows alice, returns another name for bob, does not answer for `slow`, fails for `ill`, and
/// prints the users that it is asked about.
const SERVER: &str = r#"
import http.server, json, sys, threading
class Users(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        print(asked.get("user"), flush=True)
        assert self.headers["Authorization"] == "Bearer " + "t" * 32, self.headers
        user, content = asked.get("user"), b""
        if user == "slow":
            threading.Event().wait()
        is_known = asked.get("password") == "pen cil" or asked.get("token") == "to.ken"
        status = 200 if is_known else 401
        if user == "bob" and status == 200:
            content = json.dumps({"identity": "bob@example.com"}).encode()
        if user == "ill":
            status = 500
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
    def log_message(self, *_):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Users)
if sys.argv[2:]:
    import ssl
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*sys.argv[2:])
    server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
"#;

const CLIENT: &str = r#"
import smtplib, socket, sys
port = int(sys.argv[1])
def client():
    return smtplib.SMTP("127.0.0.1", port)
def login(user, password):
    with client() as s:
        s.ehlo()
        assert s.esmtp_features["auth"].split() == ["OAUTHBEARER", "PLAIN", "LOGIN"], s.esmtp_features
        s.user, s.password = user, password
        return s.auth("PLAIN", s.auth_plain)[0]
# One about whom nothing is heard holds up nobody else.
slow = client()
slow.ehlo()
import base64
slow.send("AUTH PLAIN " + base64.b64encode(b"\0slow\0x").decode() + "\r\n")
for _ in range(3):
    with client() as s:
        s.login("alice", "pen cil")
        s.sendmail("alice@example.org", ["a@example.com"], b"Subject: hi\r\n\r\nhi\r\n")
with client() as s:
    s.login("bob", "pen cil")
    s.sendmail("bob@example.org", ["b@example.com"], b"Subject: hi\r\n\r\nhi\r\n")
for user, password, code in [("alice", "pencil", 535), ("carol", "x", 535), ("ill", "pen cil", 454)]:
    try:
        login(user, password)
    except smtplib.SMTPAuthenticationError as error:
        assert error.smtp_code == code, (user, error)
    else:
        raise SystemExit(user)
assert slow.getreply()[0] == 454
"#;

fn agent(directory: &TempDir, url: &str, more: &str, sink: SocketAddr) -> (SocketAddr, Process) {
    let address = free_address();
    let token = directory.path().join("token");
    fs::write(&token, "t".repeat(32)).unwrap();
    let config = format!(
        r#"
hostname: mx.example.com
storage: memory
notification: {{ sender: outgoing }}
smtp_listener:
  - address: "{address}"
    sender: users
    auth: {{ http: {{ url: "{url}", token_file: "{}", timeout: 5s{more} }}, required: true }}
sender:
  - {{ name: users, chain: users }}
  - {{ name: outgoing, chain: outgoing }}
chain:
  - name: users
    filter: [received_header]
    endpoint: {{ exploder: {{ policy: submission, sender: outgoing }} }}
  - {{ name: outgoing, endpoint: {{ smtp: {{ host: ["{sink}"] }} }} }}
log: {{ level: error }}
"#,
        token.display()
    );
    let process = Process::start_agent(directory, &config);
    await_listener(address);
    (address, process)
}

#[test]
fn an_http_server_says_who_users_are_and_a_silent_answer_holds_up_nobody() {
    let (directory, sink) = (tempfile::tempdir().unwrap(), Collector::start());
    let server = free_address();
    let mut python = peer("python3");
    python.args(["-c", SERVER, &server.port().to_string()]);
    let (mut users, output) = Process::start_with_output(python.stdout(Stdio::piped()));
    await_listener(server);
    let (address, _process) = agent(
        &directory,
        &format!("http://{server}/users"),
        "",
        sink.address,
    );
    run(peer("python3").args(["-c", CLIENT, &address.port().to_string()]));
    assert_eq!(sink.messages("a@example.com").len(), 3);
    assert_eq!(sink.messages("b@example.com").len(), 1);
    users.kill();
    let asked: Vec<_> = BufReader::new(output)
        .lines()
        .map_while(Result::ok)
        .collect();
    // A positive answer is remembered, so it is asked for only once.
    let good = asked.iter().filter(|user| *user == "alice").count();
    assert_eq!(good, 2, "{asked:?}");
}

const WITH_TOKEN: &str = r#"
import smtplib, sys
for token, expected in [("to.ken", 235), ("to.kem", 535)]:
    with smtplib.SMTP("127.0.0.1", int(sys.argv[1])) as s:
        s.ehlo()
        # Whoever is told that it is wrong has to say that it has heard it: RFC 7628 section 3.2.3.
        shown = lambda challenge=None: "\x01" if challenge else f"n,a=alice,\x01auth=Bearer {token}\x01\x01"
        try:
            got = s.auth("OAUTHBEARER", shown)[0]
        except smtplib.SMTPAuthenticationError as error:
            got = error.smtp_code
        assert got == expected, (token, got)
"#;

#[test]
fn curl_msmtp_and_python_show_a_token() {
    let (directory, sink) = (tempfile::tempdir().unwrap(), Collector::start());
    let server = free_address();
    let mut python = peer("python3");
    python.args(["-c", SERVER, &server.port().to_string()]);
    let (_users, _output) = Process::start_with_output(python.stdout(Stdio::piped()));
    await_listener(server);
    let url = format!("http://{server}/users");
    let (address, _process) = agent(&directory, &url, "", sink.address);
    run(peer("python3").args(["-c", WITH_TOKEN, &address.port().to_string()]));
    let file = directory.path().join("message");
    fs::write(&file, "Subject: hi\r\n\r\nhi\r\n").unwrap();
    let curl = |token: &str, to: &str| {
        let mut curl = peer("curl");
        curl.args(["--silent", "--noproxy", "*"])
            .args(["--url", &format!("smtp://{address}/me")])
            .args(["--user", "alice", "--oauth2-bearer", token])
            .args(["--mail-from", "alice@example.org", "--mail-rcpt", to])
            .arg("--upload-file")
            .arg(&file);
        curl.status().unwrap().code()
    };
    assert_eq!(curl("to.ken", "curl@example.com"), Some(0));
    // curl's exit code for a login that was denied.
    assert_eq!(curl("to.kem", "nobody@example.com"), Some(67));
    let msmtp = |token: &str, to: &str| {
        let mut msmtp = peer("msmtp");
        msmtp
            .args(["--host=127.0.0.1", &format!("--port={}", address.port())])
            .args(["--auth=oauthbearer", "--user=alice"])
            .arg(format!("--passwordeval=echo {token}"))
            .args(["--from=a@example.org", to])
            .stdin(fs::File::open(&file).unwrap())
            .stderr(Stdio::null());
        msmtp.status().unwrap().success()
    };
    assert!(msmtp("to.ken", "msmtp@example.com"));
    assert!(!msmtp("to.kem", "nobody@example.com"));
    for to in ["curl", "msmtp"] {
        let message = sink.only_message(&format!("{to}@example.com"));
        assert!(message.contains("ESMTPA"), "{message}");
    }
    assert!(sink.messages("nobody@example.com").is_empty());
}

const OVER_TLS: &str = r#"
import smtplib, sys
port, codes = int(sys.argv[1]), sys.argv[2:]
for user, code in zip(["alice", "carol"], codes):
    with smtplib.SMTP("127.0.0.1", port) as s:
        s.ehlo()
        s.user, s.password = user, "pen cil" if user == "alice" else "x"
        try:
            got = s.auth("PLAIN", s.auth_plain)[0]
        except smtplib.SMTPAuthenticationError as error:
            got = error.smtp_code
        assert got == int(code), (user, got)
"#;

#[test]
fn over_https_the_server_is_believed_by_its_certificate_alone() {
    let (files, sink, server) = (Files::new(), Collector::start(), free_address());
    let (certificate, key) = (files.shown("mx.pem"), files.shown("mx.key"));
    let mut python = peer("python3");
    python.args(["-c", SERVER, &server.port().to_string(), &certificate, &key]);
    let (_users, _output) = Process::start_with_output(python.stdout(Stdio::piped()));
    await_listener(server);
    let url = format!("https://localhost:{}/users", server.port());
    let trusted = format!(", ca_file: \"{}\"", files.shown("ca.pem"));
    // A server that is not trusted lets nobody in, and gives nobody another name.
    let others = Files::new();
    let other = format!(", ca_file: \"{}\"", others.shown("ca.pem"));
    for (trust, codes) in [(&trusted, ["235", "535"]), (&other, ["454", "454"])] {
        let directory = tempfile::tempdir().unwrap();
        let (address, _process) = agent(&directory, &url, trust, sink.address);
        run(peer("python3")
            .args(["-c", OVER_TLS, &address.port().to_string()])
            .args(codes));
    }
}
