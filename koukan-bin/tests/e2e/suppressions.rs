//! Addresses to which a sender no longer sends.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::Value;

use crate::{
    client::Client,
    peers::run,
    process::{Process, await_listener, eventually, free_address},
};

/// A host that refuses everybody whose name begins with `gone`, and counts the connections to it.
/// It runs until the test ends.
fn host() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            count.fetch_add(1, Ordering::Relaxed);
            thread::spawn(move || serve(stream));
        }
    });
    (address, connections)
}

fn serve(stream: TcpStream) -> std::io::Result<()> {
    let mut input = BufReader::new(stream.try_clone()?);
    let mut output = stream;
    output.write_all(b"220 mx.example\r\n")?;
    loop {
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let reply = match line.get(..4).unwrap_or(&line) {
            "RCPT" if line.contains("<gone") => "550 5.1.1 who is that\r\n",
            "QUIT" => "221 bye\r\n",
            _ => "250 mx.example\r\n",
        };
        output.write_all(reply.as_bytes())?;
        if line.starts_with("QUIT") {
            return Ok(());
        }
    }
}

#[test]
fn a_bad_address_is_refused_by_the_list_until_somebody_removes_it() {
    let (host, connections) = host();
    let [submission, rest] = [(); 2].map(|()| free_address());
    let directory = tempfile::tempdir().unwrap();
    let config = format!(
        r#"
hostname: koukan.localdomain
storage: {{ sqlite: "{}" }}
notification: {{ sender: out }}
smtp_listener:
  - {{ address: "{submission}", sender: submission }}
rest_listener:
  - {{ address: "{rest}" }}
sender:
  - {{ name: submission, chain: submission, rest: {{}} }}
  - {{ name: out, chain: out, suppression: {{ expiry: 2d }} }}
chain:
  - name: submission
    filter: [received_header]
    endpoint: {{ exploder: {{ policy: submission, sender: out }} }}
  - name: out
    filter: []
    endpoint: {{ smtp: {{ host: ["{host}"] }} }}
log: {{ level: warn }}
"#,
        directory.path().join("koukan.sqlite").display()
    );
    let mut agent = Process::start_agent(&directory, &config);
    await_listener(submission);
    await_listener(rest);
    let url = format!("http://{rest}");
    let koukan = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_koukan"));
        run(command
            .arg("suppressions")
            .args(arguments)
            .args(["--url", &url]))
    };
    let send = || {
        let mut client = Client::connect(submission).unwrap();
        client.command("EHLO client.example").unwrap();
        client.command("MAIL FROM:<alice@example.org>").unwrap();
        client.command("RCPT TO:<gone@mx.example>").unwrap()
    };
    assert!(koukan(&["list", "out"]).contains("there is none"));
    assert!(send().contains("550 5.1.1 who is that"));
    let remembered = || koukan(&["list", "out"]).contains("gone@mx.example");
    eventually(Duration::from_secs(20), remembered);
    let seen = connections.load(Ordering::Relaxed);
    let refused = send();
    assert!(refused.starts_with("550"), "{refused}");
    assert!(
        refused.contains("nothing is sent to this address since"),
        "{refused}"
    );
    assert_eq!(connections.load(Ordering::Relaxed), seen);
    let listed = koukan(&["list", "out"]);
    assert!(
        listed.contains("gone@mx.example") && listed.contains("who is that"),
        "{listed}"
    );
    // The list was committed, so it is there after a restart, and can be read while the agent is
    // stopped.
    agent.signal("TERM");
    agent.wait(Duration::from_secs(30));
    let mut stopped = Command::new(env!("CARGO_BIN_EXE_koukan"));
    stopped.args(["suppressions", "list", "out", "--config"]);
    let listed = run(stopped.arg(directory.path().join("koukan.yaml")));
    assert!(listed.contains("gone@mx.example"), "{listed}");
    let _agent = Process::start_agent(&directory, &config);
    await_listener(submission);
    await_listener(rest);
    let refused = send();
    assert!(refused.contains("nothing is sent"), "{refused}");
    let removed = koukan(&["remove", "out", "gone@MX.example"]);
    assert!(removed.contains("gone@mx.example"), "{removed}");
    assert!(send().contains("550 5.1.1 who is that"));
    eventually(Duration::from_secs(20), remembered);
    let added = koukan(&[
        "add",
        "out",
        "bob@mx.example",
        "--reason",
        "asked for it",
        "--json",
    ]);
    let added: Value = serde_json::from_str(&added).unwrap();
    assert_eq!(added["reason"], "asked for it");
    let listed: Value =
        serde_json::from_str(&koukan(&["list", "out", "--limit", "1", "--json"])).unwrap();
    assert_eq!(listed["suppressions"][0]["address"], "bob@mx.example");
    let next = listed["next_cursor"].as_str().unwrap();
    let rest = koukan(&["list", "out", "--after", next]);
    assert!(
        rest.contains("gone@mx.example") && !rest.contains("bob@"),
        "{rest}"
    );
}

/// A copy that is delivered while the client waits does not go to recipients that are suppressed
/// for its sender.
#[test]
fn a_copy_passes_the_list_of_its_sender() {
    let (host, _) = host();
    let (archive, connections) = self::host();
    let [submission, rest] = [(); 2].map(|()| free_address());
    let directory = tempfile::tempdir().unwrap();
    let config = format!(
        r#"
hostname: koukan.localdomain
storage: {{ sqlite: "{}" }}
notification: {{ sender: out }}
smtp_listener:
  - {{ address: "{submission}", sender: out }}
rest_listener:
  - {{ address: "{rest}" }}
sender:
  - {{ name: out, chain: out, rest: {{}} }}
  - {{ name: archive, chain: archive, suppression: {{ expiry: 2d }} }}
chain:
  - name: out
    filter: [received_header, add_route: {{ sender: archive }}]
    endpoint: {{ smtp: {{ host: ["{host}"] }} }}
  - name: archive
    endpoint: {{ smtp: {{ host: ["{archive}"] }} }}
log: {{ level: warn }}
"#,
        directory.path().join("koukan.sqlite").display()
    );
    let _agent = Process::start_agent(&directory, &config);
    await_listener(submission);
    await_listener(rest);
    let mut add = Command::new(env!("CARGO_BIN_EXE_koukan"));
    let url = format!("http://{rest}");
    let reason = ["--reason", "asked for it", "--url", &url];
    run(add
        .args(["suppressions", "add", "archive", "bob@mx.example"])
        .args(reason));
    let mut client = Client::connect(submission).unwrap();
    let message = "Subject: hi\r\n\r\nhello\r\n";
    let from = "alice@example.org";
    let sent = client.send(from, &["bob@mx.example"], message).unwrap();
    let refused = sent.message.as_deref().unwrap_or_default();
    assert!(refused.contains("asked for it"), "{sent:?}");
    assert_eq!(connections.load(Ordering::Relaxed), 0);
}
