//! A scanner that hangs, and mail that does not go through it.

use std::{net::TcpListener, thread, time::Duration};

use crate::{
    client::Client,
    host::{Host, Manner},
    process::{Process, await_listeners, eventually, free_address},
};

const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";

#[test]
fn a_scanner_that_hangs_keeps_no_connection_from_others_mail() {
    // The system accepts connections for it, but it sends nothing.
    let scanner = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = Host::start(Manner {
        connections: 1,
        ..Manner::default()
    });
    let directory = tempfile::tempdir().unwrap();
    let [scanned, plain] = [(); 2].map(|()| free_address());
    let text = format!(
        r#"
hostname: mx.example.com
storage: {{ sqlite: "{}/queue.sqlite" }}
smtp_listener:
  - {{ address: "{scanned}", sender: scanned }}
  - {{ address: "{plain}", sender: plain }}
notification: {{ sender: outgoing }}
sender:
  - {{ name: scanned, chain: scanned }}
  - {{ name: plain, chain: plain }}
  - {{ name: outgoing, chain: outgoing }}
chain:
  - name: scanned
    filter: [clamav: {{ address: "{}", timeout: 4s, failures: 20 }}]
    endpoint: {{ exploder: {{ policy: ingress, sender: outgoing }} }}
  - name: plain
    endpoint: {{ exploder: {{ policy: ingress, sender: outgoing }} }}
  - name: outgoing
    endpoint: {{ smtp: {{ host: ["{}"] }} }}
log: {{ level: error }}
"#,
        directory.path().display(),
        scanner.local_addr().unwrap(),
        host.address,
    );
    let _agent = Process::start_agent(&directory, &text);
    await_listeners([scanned, plain]);
    let send = |server, to: &str| {
        let mut client = Client::connect(server).unwrap();
        client.send("a@example.org", &[to], MESSAGE).unwrap()
    };
    thread::scope(|scope| {
        let hanging: Vec<_> = (0..5)
            .map(|number| scope.spawn(move || send(scanned, &format!("s{number}@example.com"))))
            .collect();
        // One of the messages is being scanned, so the host was asked for its recipient.
        let (_held, _) = scanner.accept().unwrap();
        for number in 0..5 {
            let to = format!("p{number}@example.com");
            let sent = send(plain, &to);
            assert!(sent.is_accepted(), "{sent:?}");
            eventually(Duration::from_secs(5), || {
                host.seen().copies.contains_key(&to)
            });
        }
        // They are deferred, either because the scanner is silent or because others wait for the
        // connection.
        for thread in hanging {
            let sent = thread.join().unwrap();
            assert!(!sent.is_accepted(), "{sent:?}");
        }
    });
    let seen = host.seen();
    assert!(seen.copies.keys().all(|to| to.starts_with('p')), "{seen:?}");
}
