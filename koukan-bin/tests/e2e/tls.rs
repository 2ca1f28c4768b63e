//! TLS, with swaks, openssl, Python and curl as clients, and between two agents.

use std::{fs, net::SocketAddr, path::PathBuf, process::Stdio, time::Duration};

use koukan_core::test_util::Authority;
use tempfile::TempDir;

use crate::{
    collector::Collector,
    peers::{peer, run},
    process::{Process, await_listener, await_listeners, comes_within, free_address},
};

/// A directory with an authority's certificate, and one for `localhost` with its key.
pub(crate) struct Files {
    authority: Authority,
    directory: TempDir,
}

impl Files {
    pub(crate) fn new() -> Self {
        let files = Self {
            authority: Authority::new(),
            directory: tempfile::tempdir().unwrap(),
        };
        fs::write(files.path("ca.pem"), files.authority.pem()).unwrap();
        files.certify(&files.authority);
        files
    }

    /// Replaces the certificate by one from that authority.
    fn certify(&self, authority: &Authority) {
        let pem = authority.issue("localhost");
        for (name, text) in [("mx.key", &pem.key), ("mx.pem", &pem.certificate)] {
            let new = self.path("new");
            fs::write(&new, text).unwrap();
            fs::rename(&new, self.path(name)).unwrap();
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn shown(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    pub(crate) fn tls(&self) -> String {
        let (file, key) = (self.shown("mx.pem"), self.shown("mx.key"));
        format!("tls: {{ certificate: [{{ file: \"{file}\", key: \"{key}\" }}] }}")
    }
}

/// An agent with every mode of TLS, which delivers to a sink.
pub(crate) struct Agent {
    pub(crate) offered: SocketAddr,
    required: SocketAddr,
    immediate: SocketAddr,
    pub(crate) rest: SocketAddr,
    _process: Process,
    _directory: TempDir,
}

impl Agent {
    pub(crate) fn start(files: &Files, sink: SocketAddr) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let [offered, required, immediate, rest] = [(); 4].map(|()| free_address());
        let tls = files.tls();
        let text = format!(
            r#"
hostname: mx.example.com
storage: memory
notification: {{ sender: outgoing }}
smtp_listener:
  - {{ address: "{offered}", sender: ingress, {tls} }}
  - {{ address: "{required}", sender: ingress, {tls}, tls_mode: required }}
  - {{ address: "{immediate}", sender: ingress, {tls}, tls_mode: immediate }}
rest_listener: [{{ address: "{rest}", {tls}, host: [localhost] }}]
sender:
  - {{ name: ingress, chain: ingress }}
  - {{ name: outgoing, chain: outgoing }}
chain:
  - name: ingress
    filter: [received_header]
    endpoint: {{ exploder: {{ policy: ingress, sender: outgoing }} }}
  - name: outgoing
    endpoint: {{ smtp: {{ host: ["{sink}"] }} }}
log: {{ level: error }}
"#
        );
        let process = Process::start_agent(&directory, &text);
        await_listeners([offered, required, immediate, rest]);
        Self {
            offered,
            required,
            immediate,
            rest,
            _process: process,
            _directory: directory,
        }
    }
}

/// Whether a message says that it came over TLS.
fn is_secure(message: &str) -> bool {
    let trace: String = message.lines().take(4).collect();
    trace.contains("ESMTPS") && trace.contains("TLS")
}

#[test]
fn swaks_sends_in_each_way() {
    let (files, sink) = (Files::new(), Collector::start());
    let agent = Agent::start(&files, sink.address);
    let ca = files.shown("ca.pem");
    for (to, address, arguments, has_tls) in [
        ("a@example.com", agent.offered, &[][..], false),
        ("b@example.com", agent.offered, &["--tls"], true),
        ("c@example.com", agent.required, &["--tls"], true),
        (
            "d@example.com",
            agent.immediate,
            &["--tls-on-connect"],
            true,
        ),
    ] {
        let server = format!("localhost:{}", address.port());
        let mut swaks = peer("swaks");
        swaks
            .args(["--to", to, "--from", "x@example.org", "--server", &server])
            .args(arguments);
        if has_tls {
            swaks.args(["--tls-verify", "--tls-ca-path", &ca]);
        }
        run(&mut swaks);
        assert_eq!(is_secure(&sink.only_message(to)), has_tls, "{to}");
    }
    let refused = peer("swaks")
        .args(["--to", "e@example.com", "--from", "x@example.org"])
        .args(["--server", &agent.required.to_string()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&refused.stdout);
    assert!(said.contains("530 5.7.0"), "{said}");
}

#[test]
fn python_sends_over_starttls_and_over_tls() {
    let (files, sink) = (Files::new(), Collector::start());
    let agent = Agent::start(&files, sink.address);
    let script = format!(
        "import smtplib, ssl\n\
         trust = ssl.create_default_context(cafile='{ca}')\n\
         with smtplib.SMTP('localhost', {offered}) as s:\n\
         \x20   s.starttls(context=trust)\n\
         \x20   s.sendmail('x@example.org', ['a@example.com', 'b@example.com'], 'a: b\\n\\nhello\\n')\n\
         with smtplib.SMTP_SSL('localhost', {immediate}, context=trust) as s:\n\
         \x20   for to in ['c@example.com', 'd@example.com']:\n\
         \x20       s.sendmail('x@example.org', [to], 'a: b\\n\\n' + 'hello\\n' * 100000)\n",
        ca = files.shown("ca.pem"),
        offered = agent.offered.port(),
        immediate = agent.immediate.port(),
    );
    run(peer("python3").args(["-c", &script]));
    for to in ["a", "b", "c", "d"] {
        let message = sink.only_message(&format!("{to}@example.com"));
        assert!(is_secure(&message), "{message:.300}");
    }
}

#[test]
fn openssl_finds_the_certificate_sound_and_old_versions_refused() {
    let (files, sink) = (Files::new(), Collector::start());
    let agent = Agent::start(&files, sink.address);
    let connect = format!("localhost:{}", agent.offered.port());
    let ask = |arguments: &[&str]| {
        let output = peer("openssl")
            .args(["s_client", "-starttls", "smtp", "-connect", &connect])
            .args(["-CAfile", &files.shown("ca.pem"), "-verify_return_error"])
            .args(["-verify_hostname", "localhost"])
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.success(), said)
    };
    for (version, name) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
        let (is_sound, said) = ask(&[version]);
        assert!(is_sound && said.contains(name), "{said}");
        assert!(said.contains("Verify return code: 0 (ok)"), "{said}");
    }
    let (is_sound, said) = ask(&["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]);
    assert!(!is_sound, "{said}");
}

#[test]
fn curl_speaks_http_2_over_tls() {
    let (files, sink) = (Files::new(), Collector::start());
    let agent = Agent::start(&files, sink.address);
    let url = format!("https://localhost:{}/healthz", agent.rest.port());
    let ca = files.shown("ca.pem");
    for (version, expected) in [("--http2", "200 2"), ("--http1.1", "200 1.1")] {
        let said = run(peer("curl")
            .args([
                "--silent",
                "--show-error",
                "--noproxy",
                "*",
                "--cacert",
                &ca,
                version,
            ])
            .args([
                "--output",
                "/dev/null",
                "--write-out",
                "%{http_code} %{http_version}",
            ])
            .arg(&url));
        assert_eq!(said, expected);
    }
}

#[test]
fn certificates_follow_their_files() {
    let (files, sink) = (Files::new(), Collector::start());
    let agent = Agent::start(&files, sink.address);
    let other = Authority::new();
    fs::write(files.path("other.pem"), other.pem()).unwrap();
    let believes = |ca: &str, address: SocketAddr| {
        let server = format!("localhost:{}", address.port());
        let output = peer("openssl")
            .args(["s_client", "-connect", &server, "-CAfile", &files.shown(ca)])
            .arg("-verify_return_error")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        output.status.success()
    };
    let listeners = [agent.immediate, agent.rest];
    for address in listeners {
        assert!(believes("ca.pem", address) && !believes("other.pem", address));
    }
    files.certify(&other);
    for address in listeners {
        let is_new = || believes("other.pem", address);
        assert!(comes_within(Duration::from_secs(60), is_new));
        assert!(!believes("ca.pem", address));
    }
    // Files that cannot be used do not replace the certificate.
    fs::write(files.path("mx.pem"), "nonsense").unwrap();
    for address in listeners {
        assert!(believes("other.pem", address));
    }
}

/// Between two agents: the first requires a trusted certificate from the second.
#[test]
fn an_agent_sends_to_another_over_tls_that_it_believes() {
    let (files, sink) = (Files::new(), Collector::start());
    let agent = Agent::start(&files, sink.address);
    let other = Authority::new();
    fs::write(files.path("other.pem"), other.pem()).unwrap();
    let (starttls, immediate) = (agent.offered.port(), agent.immediate.port());
    let at_once = "verified, tls_mode: immediate";
    let at_once_with_any = "opportunistic, tls_mode: immediate";
    for (to, port, level, ca, expected) in [
        (
            "a@example.com",
            starttls,
            "verified",
            Some("ca.pem"),
            Ok(true),
        ),
        (
            "b@example.com",
            starttls,
            "verified",
            Some("other.pem"),
            Err("451 4.7.5"),
        ),
        ("c@example.com", starttls, "required", None, Ok(true)),
        ("d@example.com", starttls, "opportunistic", None, Ok(true)),
        ("e@example.com", starttls, "never", None, Ok(false)),
        (
            "f@example.com",
            immediate,
            at_once,
            Some("ca.pem"),
            Ok(true),
        ),
        ("g@example.com", immediate, at_once_with_any, None, Ok(true)),
        (
            "h@example.com",
            immediate,
            at_once,
            Some("other.pem"),
            Err("451 4.7.5"),
        ),
        (
            "i@example.com",
            starttls,
            at_once_with_any,
            None,
            Err("451 4.7.4"),
        ),
    ] {
        let ca = ca.map_or(String::new(), |ca| {
            format!(", ca_file: \"{}\"", files.shown(ca))
        });
        let (directory, address) = (tempfile::tempdir().unwrap(), free_address());
        let text = format!(
            r#"
hostname: client.example.com
storage: memory
notification: {{ sender: out }}
smtp_listener: [{{ address: "{address}", sender: out }}]
sender: [{{ name: out, chain: out }}]
chain:
  - name: out
    endpoint: {{ smtp: {{ host: ["localhost:{port}"], tls: {level}{ca} }} }}
log: {{ level: error }}
"#
        );
        let _client = Process::start_agent(&directory, &text);
        await_listener(address);
        let output = peer("swaks")
            .args(["--to", to, "--from", "x@example.org"])
            .args(["--server", &address.to_string()])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        match expected {
            Ok(has_tls) => {
                let message = sink.only_message(to);
                assert_eq!(is_secure(&message), has_tls, "{level}: {message}");
            }
            Err(reply) => assert!(said.contains(reply), "{level}: {said}"),
        }
    }
}
