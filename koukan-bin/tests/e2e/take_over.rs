//! How soon another agent goes on with what one has worked on, with the settings that agents have by default.

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

use serde_json::json;
use tokio::time::Instant;

use crate::{agent::Agent, client::Client, http::Request, postgres::server, process::comes_within};

/// What an agent may need on a machine that does other things, where no time is told.
const LIMIT: Duration = Duration::from_secs(60);

/// A host that lets clients connect, and says nothing.
struct Silent(TcpListener);

impl Silent {
    fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    /// The next client, if it comes in time.
    fn client(&self, limit: Duration) -> Option<TcpStream> {
        let mut client = None;
        comes_within(limit, || {
            client = self.0.accept().ok().map(|(client, _)| client);
            client.is_some()
        });
        client
    }
}

/// Has an agent keep a message that it attempts at once.
fn create(agent: &Agent) {
    let create = Request::new("POST", "/senders/submission/transactions").json(&json!({
        "mail_from": {"m": "alice@example.org"}, "rcpt_to": [{"m": "bob@example.com"}],
        "body": {"inline": "Subject: hi\r\n\r\nhello\r\n"},
    }));
    let created = create.send(agent.rest).unwrap();
    assert_eq!(created.status, 201, "{}", created.text);
}

/// Has an agent take a message into custody, while its first attempt ends as `end` has it.
fn submit(agent: &Agent, end: impl FnOnce()) {
    let submission = agent.submission;
    let client = thread::spawn(move || {
        let mut client = Client::connect(submission).unwrap();
        let sent = client.send("alice@example.org", &["bob@example.com"], "\r\nhello\r\n");
        assert!(sent.unwrap().is_accepted());
    });
    end();
    client.join().unwrap();
}

#[test]
fn what_a_killed_agent_worked_on_another_has_within_ten_seconds() {
    let (url, host) = (server::database(), Silent::listen());
    let mut killed = Agent::start_by_default_on_postgres(host.address(), &url);
    let _other = Agent::start_by_default_on_postgres(host.address(), &url);
    create(&killed);
    let _first = host.client(LIMIT).unwrap();
    killed.kill();
    let since = Instant::now();
    let second = host.client(LIMIT);
    let took = since.elapsed();
    assert!(
        second.is_some() && took < Duration::from_secs(10),
        "{took:?}"
    );
}

/// The next agent looks for what is due every 750 ms at least. What is left of the second is for the machine; on one that does
/// other things it may be too little now and then, so most of several times count.
#[test]
fn queued_mail_that_an_agent_gives_back_as_it_stops_another_has_within_a_second() {
    const TIMES: usize = 5;

    let (url, host) = (server::database(), Silent::listen());
    // Clients are served for longer than this takes, and nevertheless others have queued mail.
    let grace = "shutdown: { grace: 1m }\n";
    let start = || Agent::start_by_default_on_postgres_with(host.address(), &url, grace);
    let mut stopping = start();
    submit(&stopping, || {
        // So that the mail is queued. The next attempt hangs.
        drop(host.client(LIMIT).unwrap());
    });
    let mut clients = vec![host.client(LIMIT).unwrap()];
    let mut took = Vec::new();
    for _ in 0..TIMES {
        let next = start();
        stopping.signal("TERM");
        let since = Instant::now();
        clients.push(host.client(LIMIT).expect("it is handed over"));
        took.push(since.elapsed());
        stopping = next;
    }
    took.sort();
    assert!(took[TIMES / 2] < Duration::from_secs(1), "{took:?}");
}
