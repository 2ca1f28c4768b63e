//! Sockets on which another program listens first: systemd-socket-activate, or Python in the place
//! of systemd.

use std::{
    io::{BufRead, BufReader},
    net::{SocketAddr, TcpStream},
    process::{Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;

use crate::{
    collector::Collector,
    peers::{peer, run},
    process::{Process, eventually, free_address},
};

const LIMIT: Duration = Duration::from_secs(60);

/// Starts the agent on a socket, kills it, and connects while no agent runs. The next agent then
/// serves the waiting client. The socket is descriptor 3, the first that systemd hands over.
const RESTARTS: &str = r#"
import os, signal, smtplib, socket, subprocess, sys
koukan, config = sys.argv[1:]
kept = socket.create_server(('127.0.0.1', 0))
def start():
    return subprocess.Popen(
        ['sh', '-c', 'LISTEN_PID=$$ exec "$@"', 'sh', koukan, 'run', '--config', config],
        env={**os.environ, 'LISTEN_FDS': '1', 'LISTEN_FDNAMES': 'smtp'},
        preexec_fn=lambda: os.dup2(kept.fileno(), 3), pass_fds=[3])
def send(client, to):
    with client:
        client.sendmail('a@example.org', [to], b'Subject: kept\r\n\r\nhello\r\n')
agent = start()
try:
    send(smtplib.SMTP(*kept.getsockname(), timeout=60), 'first@example.com')
    for signal_, to in (signal.SIGTERM, 'stopped@example.com'), (signal.SIGKILL, 'killed@example.com'):
        agent.send_signal(signal_)
        agent.wait()
        waits = socket.create_connection(kept.getsockname(), timeout=60)
        agent = start()
        class Client(smtplib.SMTP):
            def _get_socket(self, *where):
                return waits
        send(Client('127.0.0.1', 25), to)
finally:
    agent.kill()
    agent.wait()
"#;

/// A configuration whose listeners have these addresses.
fn config(directory: &TempDir, [smtp, lmtp, rest]: [&str; 3], sink: SocketAddr) -> String {
    let text = format!(
        r#"
hostname: mx.example.com
storage: memory
notification: {{ sender: outgoing }}
smtp_listener:
  - {{ address: "{smtp}", sender: ingress, clients: ["127.0.0.0/8"] }}
  - {{ address: "{lmtp}", sender: ingress, lmtp: true, clients: ["127.0.0.0/8"] }}
rest_listener: [{{ address: "{rest}", api: false, host: [localhost] }}]
sender:
  - {{ name: ingress, chain: ingress }}
  - {{ name: outgoing, chain: outgoing }}
chain:
  - name: ingress
    endpoint: {{ exploder: {{ policy: ingress, sender: outgoing }} }}
  - name: outgoing
    endpoint: {{ smtp: {{ host: ["{sink}"] }} }}
log: {{ level: error }}
"#
    );
    let path = directory.path().join("koukan.yaml");
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

const KOUKAN: &str = env!("CARGO_BIN_EXE_koukan");

#[test]
fn systemd_hands_over_the_sockets_of_each_kind_of_listener() {
    let (sink, directory) = (Collector::start(), tempfile::tempdir().unwrap());
    let [smtp, lmtp, rest] = [(); 3].map(|()| free_address());
    let names = ["socket:smtp", "socket:lmtp", "socket:rest"];
    let config = config(&directory, names, sink.address);
    let mut systemd = peer("systemd-socket-activate");
    for address in [smtp, lmtp, rest] {
        systemd.args(["--listen", &address.to_string()]);
    }
    systemd.args([
        "--fdname=smtp:lmtp:rest",
        KOUKAN,
        "run",
        "--config",
        &config,
    ]);
    let mut agent = Process::start(systemd.stderr(Stdio::null()));
    // The first client causes the agent to be started.
    eventually(LIMIT, || TcpStream::connect(smtp).is_ok());
    let greeting = |address| {
        let mut line = String::new();
        let stream = TcpStream::connect(address).unwrap();
        BufReader::new(stream).read_line(&mut line).unwrap();
        line
    };
    assert!(greeting(smtp).starts_with("220 mx.example.com ESMTP"));
    assert!(greeting(lmtp).starts_with("220 mx.example.com LMTP"));
    run(peer("swaks")
        .args(["--to", "b@example.com", "--from", "a@example.org"])
        .args(["--server", &format!("127.0.0.1:{}", smtp.port())]));
    sink.only_message("b@example.com");
    let ready = format!("http://{rest}/readyz");
    run(peer("curl").args(["--silent", "--fail", "--noproxy", "*", &ready]));
    agent.signal("TERM");
    assert!(agent.wait(LIMIT).success());
}

#[test]
fn who_comes_while_the_agent_is_started_anew_waits_and_is_served() {
    let (sink, directory) = (Collector::start(), tempfile::tempdir().unwrap());
    let [lmtp, rest] = [(); 2].map(|()| free_address().to_string());
    let config = config(&directory, ["socket:smtp", &lmtp, &rest], sink.address);
    run(peer("python3").args(["-c", RESTARTS, KOUKAN, &config]));
    for to in ["first", "stopped", "killed"] {
        sink.only_message(&format!("{to}@example.com"));
    }
}

#[test]
fn what_is_not_handed_over_or_not_wanted_is_told() {
    let (sink, directory) = (Collector::start(), tempfile::tempdir().unwrap());
    let [smtp, lmtp, rest] = [(); 3].map(|()| free_address().to_string());
    let told = |config: &str, descriptors: &str, names: &str| {
        // The third descriptor is a socket of nobody's: standard input, which is none.
        let script = "exec 3<&0; LISTEN_PID=$$ exec \"$@\"";
        let output = Command::new("sh")
            .args(["-c", script, "sh", KOUKAN, "run", "--config", config])
            .env("LISTEN_FDS", descriptors)
            .env("LISTEN_FDNAMES", names)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
            + &String::from_utf8_lossy(&output.stdout)
    };
    let named = config(&directory, ["socket:smtp", &lmtp, &rest], sink.address);
    let nothing = told(&named, "0", "");
    assert!(
        nothing.contains("no socket of the name `smtp` was handed over"),
        "{nothing}"
    );
    let no_socket = told(&named, "1", "smtp");
    assert!(no_socket.contains("as `smtp` is no socket"), "{no_socket}");
    for (descriptors, names) in [("2", "smtp:lmtp"), ("99999999", "smtp")] {
        let fewer = told(&named, descriptors, names);
        let expected =
            format!("LISTEN_FDS promises {descriptors} sockets, of which 1 were handed over");
        assert!(fewer.contains(&expected), "{fewer}");
    }
    let twice = run_with_sockets(&config(&directory, [&smtp, &lmtp, &rest], sink.address));
    assert!(
        twice.contains("no listener with the address `socket:smtp`"),
        "{twice}"
    );
}

/// What an agent prints if systemd hands a socket over to it.
fn run_with_sockets(config: &str) -> String {
    let address = free_address();
    let systemd = peer("systemd-socket-activate");
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "exec \"$@\" 2>&1", "sh"])
        .arg(systemd.get_program());
    shell.args(["--listen", &address.to_string(), "--fdname=smtp", KOUKAN]);
    shell.args(["run", "--config", config]);
    let (mut process, output) = Process::start_with_output(shell.stdout(Stdio::piped()));
    eventually(LIMIT, || TcpStream::connect(address).is_ok());
    assert!(!process.wait(LIMIT).success());
    std::io::read_to_string(output).unwrap()
}
