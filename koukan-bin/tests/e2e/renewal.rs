//! Certificates and passwords that are renewed while clients send, and certificates that expire
//! soon.

#![allow(
    clippy::disallowed_methods,
    reason = "real certificates end in real time"
)]

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, SystemTime},
};

use koukan_core::test_util::Authority;
use tempfile::TempDir;

use crate::{
    auth::line_of,
    collector::Collector,
    peers::{peer, run},
    process::{Process, await_listeners, comes_within, eventually, free_address},
};

const LIMIT: Duration = Duration::from_secs(60);

/// Clients of two kinds, several of each: one connects once and sends message after message, the
/// other connects for each message. Any error ends all of them and is printed. They stop when the
/// file exists.
const CLIENTS: &str = r#"
import itertools, os, smtplib, ssl, sys, threading
port, directory = sys.argv[1:]
at = lambda name: os.path.join(directory, name)
trust = ssl.create_default_context()
for name in 'ca.pem', 'other.pem':
    trust.load_verify_locations(at(name))
message = b'Subject: under load\r\n\r\n' + b'line\r\n' * 1000
faults, sent, mutex = [], [], threading.Lock()
def connect():
    client = smtplib.SMTP('localhost', int(port), timeout=60)
    client.starttls(context=trust)
    client.login('alice', 'pen cil')
    return client
def send(client, who, number):
    to = '%s-%d@example.com' % (who, number)
    client.sendmail('x@example.org', [to], message)
    with mutex:
        sent.append(to)
        print(to, flush=True)
def keeps(who):
    client = connect()
    for number in itertools.count():
        send(client, who, number)
        if os.path.exists(at('enough')):
            return client.quit()
def comes_anew(who):
    for number in itertools.count():
        with connect() as client:
            send(client, who, number)
        if os.path.exists(at('enough')):
            return
def attempt(work, who):
    try:
        work(who)
    except BaseException as error:
        faults.append('%s: %r' % (who, error))
        open(at('enough'), 'w').close()
works = [(keeps, 'kept%d' % n) for n in range(3)] + [(comes_anew, 'new%d' % n) for n in range(3)]
threads = [threading.Thread(target=attempt, args=work) for work in works]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert not faults, faults
"#;

struct Site {
    directory: TempDir,
    smtp: SocketAddr,
    rest: SocketAddr,
    _agent: Process,
}

impl Site {
    fn start(sink: SocketAddr, authority: &Authority) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let [smtp, rest] = [(); 2].map(|()| free_address());
        put(directory.path(), "ca.pem", &authority.pem());
        certify(directory.path(), authority);
        put(directory.path(), "users", &line_of("alice", "pen cil"));
        let at = directory.path().display();
        let tls = format!("tls: {{ certificate: [{{ file: \"{at}/mx.pem\" }}] }}");
        let text = format!(
            r#"
hostname: localhost
storage: memory
notification: {{ sender: outgoing }}
smtp_listener:
  - address: "{smtp}"
    sender: users
    {tls}
    tls_mode: required
    auth: {{ password_file: "{at}/users", required: true }}
rest_listener: [{{ address: "{rest}", {tls}, host: [localhost] }}]
sender:
  - {{ name: users, chain: users }}
  - {{ name: outgoing, chain: outgoing }}
chain:
  - name: users
    endpoint: {{ exploder: {{ policy: submission, sender: outgoing }} }}
  - name: outgoing
    endpoint: {{ smtp: {{ host: ["{sink}"] }} }}
log: {{ level: warn }}
"#
        );
        let config = directory.path().join("koukan.yaml");
        fs::write(&config, text).unwrap();
        let log = fs::File::create(directory.path().join("log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_koukan"));
        command.args(["run", "--config"]).arg(config);
        let agent = Process::start(command.stdout(log.try_clone().unwrap()).stderr(log));
        await_listeners([smtp, rest]);
        Self {
            directory,
            smtp,
            rest,
            _agent: agent,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Whether a new client that trusts only that authority accepts the server's certificate.
    fn is_believed(&self, ca: &str) -> bool {
        let server = format!("localhost:{}", self.smtp.port());
        let mut openssl = peer("openssl");
        openssl
            .args(["s_client", "-connect", &server, "-starttls", "smtp"])
            .args(["-verify_return_error", "-CAfile"])
            .arg(self.path(ca));
        let output = openssl.stdin(Stdio::null()).output().unwrap();
        output.status.success()
    }

    /// Whether the agent accepts that user and password.
    fn knows(&self, user: &str, password: &str) -> bool {
        let script = "import smtplib, ssl, sys\n\
            port, ca, user, password = sys.argv[1:]\n\
            with smtplib.SMTP('localhost', int(port)) as s:\n\
            \x20   s.starttls(context=ssl.create_default_context(cafile=ca))\n\
            \x20   s.login(user, password)\n";
        let mut python = peer("python3");
        python.args(["-c", script, &self.smtp.port().to_string()]);
        python.arg(self.path("other.pem")).args([user, password]);
        python.output().unwrap().status.success()
    }
}

/// Replaces a file at once, as programs that renew certificates do.
fn put(directory: &Path, name: &str, text: &str) {
    let new = directory.join("new");
    fs::write(&new, text).unwrap();
    fs::rename(&new, directory.join(name)).unwrap();
}

fn certify(directory: &Path, authority: &Authority) {
    let pem = authority.issue("localhost");
    put(directory, "mx.pem", &(pem.certificate + &pem.key));
}

#[test]
fn certificates_and_passwords_are_renewed_under_load_and_no_client_notices() {
    let sink = Collector::start();
    let (authority, other) = (Authority::new(), Authority::new());
    let site = Site::start(sink.address, &authority);
    put(site.directory.path(), "other.pem", &other.pem());
    let log = fs::File::create(site.path("sent")).unwrap();
    let mut python = peer("python3");
    python.args(["-c", CLIENTS, &site.smtp.port().to_string()]);
    python.arg(site.directory.path()).stdout(log);
    let mut clients = Process::start(&mut python);
    let sent = || -> Vec<String> {
        let text = fs::read_to_string(site.path("sent")).unwrap();
        text.lines().map(str::to_owned).collect()
    };
    // Each of them has sent something since then.
    let all_send = || {
        let before = sent().len();
        let is_there = |all: &[String], who: &str| all.iter().any(|to| to.starts_with(who));
        eventually(LIMIT, || {
            let all = sent();
            let new = all.get(before..).unwrap_or_default();
            ["kept0", "kept1", "kept2", "new0", "new1", "new2"]
                .iter()
                .all(|who| is_there(new, who))
        });
    };
    all_send();
    assert!(site.is_believed("ca.pem") && !site.is_believed("other.pem"));
    certify(site.directory.path(), &other);
    let users = line_of("alice", "pen cil") + &line_of("bob", "new");
    put(site.directory.path(), "users", &users);
    assert!(comes_within(LIMIT, || site.is_believed("other.pem")));
    assert!(comes_within(LIMIT, || site.knows("bob", "new")));
    all_send();
    fs::write(site.path("enough"), "").unwrap();
    assert!(clients.wait(LIMIT).success());
    for to in sent() {
        assert!(sink.only_message(&to).contains("under load"), "{to}");
    }
}

/// The date that many days after today.
fn day_in(days: u64) -> (i32, u8, u8) {
    let then = SystemTime::now() + Duration::from_secs(days * 24 * 3600);
    let date = jiff::Timestamp::try_from(then).unwrap().to_string();
    let mut parts = date.split(['-', 'T']);
    let mut number = || parts.next().unwrap().parse::<u16>().unwrap();
    let (year, month, day) = (number(), number(), number());
    (
        year.into(),
        month.try_into().unwrap(),
        day.try_into().unwrap(),
    )
}

#[test]
fn a_certificate_that_ends_within_fourteen_days_is_told_of_in_log_and_metrics() {
    let sink = Collector::start();
    let authority = Authority::new();
    for (days, is_soon) in [(14, true), (16, false)] {
        let site = Site::start(sink.address, &authority);
        let pem = authority.issue_until("localhost", day_in(days));
        let until = pem.not_after().unwrap().to_string();
        put(
            site.directory.path(),
            "mx.pem",
            &(pem.certificate + &pem.key),
        );
        let url = format!("https://localhost:{}/metrics", site.rest.port());
        let name = format!(
            "koukan_certificate_left_seconds{{file=\"{}\"}} ",
            site.path("mx.pem").display()
        );
        let left = || -> i64 {
            let mut curl = peer("curl");
            curl.args(["--silent", "--show-error", "--noproxy", "*", "--cacert"]);
            let text = run(curl.arg(site.path("ca.pem")).arg(&url));
            let left = text.lines().find_map(|line| line.strip_prefix(&*name));
            left.unwrap_or_else(|| panic!("{text}")).parse().unwrap()
        };
        const FORTNIGHT: i64 = 14 * 24 * 3600;
        eventually(LIMIT, || left() < 2 * FORTNIGHT);
        assert_eq!(left() < FORTNIGHT, is_soon);
        let log = || fs::read_to_string(site.path("log")).unwrap();
        let is_told = || {
            let log = log();
            let mut lines = log.lines();
            lines.any(|line| line.contains("a certificate ends soon") && line.contains(&until))
        };
        match is_soon {
            true => eventually(LIMIT, is_told),
            // The warning comes when the certificate is read, so it would be there by now.
            false => assert!(!is_told(), "{}", log()),
        }
    }
}
