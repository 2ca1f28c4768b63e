//! Clients that connect to Unix sockets: Python's smtplib, curl.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::PathBuf,
    process::Command,
    time::Duration,
};

use tempfile::TempDir;

use crate::{
    collector::Collector,
    peers::{peer, run},
    process::{Process, eventually},
};

const LIMIT: Duration = Duration::from_secs(30);

const SCRIPT: &str = r#"
import smtplib, socket, sys
class Unix(smtplib.SMTP):
    def _get_socket(self, path, port, timeout):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(30)
        client.connect(path)
        return client
smtp, lmtp = sys.argv[1:]
message = b"Subject: by a Unix socket\r\n\r\n" + b"line\r\n" * 50000
with Unix(smtp) as client:
    assert client.sendmail("c@example.org", ["smtp@example.com"], message) == {}
with smtplib.LMTP(lmtp) as client:
    refused = client.sendmail("c@example.org", ["lmtp@example.com", "550@example.com"], message)
    assert list(refused) == ["550@example.com"], refused
"#;

struct Site {
    directory: TempDir,
    config: String,
}

impl Site {
    fn new(sink: &Collector) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let at = directory.path().display();
        let config = format!(
            r#"
hostname: mx.example.com
storage: memory
smtp_listener:
  - {{ address: "unix:{at}/smtp", socket: {{ mode: "0666" }}, sender: ingress }}
  - {{ address: "unix:{at}/lmtp", sender: ingress, lmtp: true }}
rest_listener: [{{ address: "unix:{at}/rest", socket: {{ mode: "0600", group: "{group}" }} }}]
notification: {{ sender: outgoing }}
sender:
  - {{ name: ingress, chain: ingress }}
  - {{ name: outgoing, chain: outgoing }}
chain:
  - name: ingress
    filter:
      - policy_action:
          match: {{ matcher: network_address, cidr: ["0.0.0.0/0", "::/0"] }}
          tag: strangers
          action: REJECT
      - received_header
    endpoint: {{ exploder: {{ policy: ingress, sender: outgoing }} }}
  - name: outgoing
    endpoint: {{ smtp: {{ host: ["{sink}"] }} }}
log: {{ level: error }}
"#,
            sink = sink.address,
            group = run(Command::new("id").arg("-g")).trim(),
        );
        Self { directory, config }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// An agent that listens on all of its sockets.
    fn start(&self) -> Process {
        let process = Process::start_agent(&self.directory, &self.config);
        for name in ["smtp", "lmtp", "rest"] {
            eventually(LIMIT, || UnixStream::connect(self.path(name)).is_ok());
        }
        process
    }

    fn readiness(&self) -> String {
        let mut curl = peer("curl");
        curl.args(["--silent", "--fail", "--unix-socket"]);
        run(curl.arg(self.path("rest")).arg("http://localhost/readyz"))
    }
}

#[test]
fn smtplib_and_curl_are_served_and_are_in_no_network() {
    let sink = Collector::start();
    let site = Site::new(&sink);
    let mut agent = site.start();
    let mode = |name| fs::metadata(site.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(["smtp", "lmtp", "rest"].map(mode), [0o666, 0o660, 0o600]);
    let sockets = [site.path("smtp"), site.path("lmtp")];
    run(peer("python3").args(["-c", SCRIPT]).args(sockets));
    for to in ["smtp@example.com", "lmtp@example.com"] {
        assert!(
            sink.only_message(to).contains("Subject: by a Unix socket"),
            "{to}"
        );
    }
    site.readiness();
    agent.signal("TERM");
    assert!(agent.wait(LIMIT).success());
    for name in ["smtp", "lmtp", "rest"] {
        assert!(!site.path(name).exists(), "{name}");
    }
}

/// The next agent also listens on Unix sockets, with SMTP and with LMTP.
#[test]
fn an_agent_hands_on_to_another_and_a_client_names_no_socket() {
    let sink = Collector::start();
    let last = Site::new(&sink);
    let _last = last.start();
    let first = Site::new(&sink);
    let at = last.directory.path().display();
    let host = format!("smtp: {{ host: [\"{}\"] }}", sink.address);
    assert!(first.config.contains(&host));
    for (name, to) in [
        ("smtp", "smtp: { host: [\"unix:AT/smtp\"] }"),
        ("lmtp", "smtp: { host: [\"unix:AT/lmtp\"], lmtp: true }"),
    ] {
        let to = to.replace("AT", &at.to_string());
        let config = first.config.replace(&host, &to);
        let agent = Process::start_agent(&first.directory, &config);
        for name in ["smtp", "lmtp", "rest"] {
            eventually(LIMIT, || UnixStream::connect(first.path(name)).is_ok());
        }
        let script = SCRIPT.replace("smtp@example.com", &format!("{name}-smtp@example.com"));
        let script = script.replace("\"lmtp@example.com", &format!("\"{name}-lmtp@example.com"));
        run(peer("python3")
            .args(["-c", &script])
            .args([first.path("smtp"), first.path("lmtp")]));
        for by in ["smtp", "lmtp"] {
            let message = sink.only_message(&format!("{name}-{by}@example.com"));
            assert!(
                message.contains("Subject: by a Unix socket"),
                "{message:.300}"
            );
        }
        drop(agent);
    }
}

#[test]
fn sockets_of_an_agent_that_was_killed_are_replaced_and_those_of_a_live_one_are_not() {
    let sink = Collector::start();
    let site = Site::new(&sink);
    let mut killed = site.start();
    killed.kill();
    assert!(site.path("smtp").exists());
    let _agent = site.start();
    let mut other = Command::new(env!("CARGO_BIN_EXE_koukan"));
    let other = other
        .args(["run", "--config"])
        .arg(site.path("koukan.yaml"));
    let output = other.output().unwrap();
    assert!(!output.status.success());
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let wanted = format!("cannot listen on unix:{}", site.path("smtp").display());
    assert!(told.contains(&wanted), "{told}");
    site.readiness();
}
