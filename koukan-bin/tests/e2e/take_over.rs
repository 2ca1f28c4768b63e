//! How soon another agent continues the work of an agent that has stopped or died, with default
//! settings.

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

use serde_json::json;
use tokio::time::Instant;

use crate::{agent::Agent, client::Client, http::Request, postgres::server, process::comes_within};

/// How long an agent may take on a busy machine, where no time is measured.
const LIMIT: Duration = Duration::from_secs(60);

/// A host that accepts connections, and sends nothing.
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

/// Creates a message at an agent, which attempts it at once.
fn create(agent: &Agent) {
    let create = Request::new("POST", "/senders/submission/transactions").json(&json!({
        "mail_from": {"m": "alice@example.org"}, "rcpt_to": [{"m": "bob@example.com"}],
        "body": {"inline": "Subject: hi\r\n\r\nhello\r\n"},
    }));
    let created = create.send(agent.rest).unwrap();
    assert_eq!(created.status, 201, "{}", created.text);
}

/// Gives an agent a message of which it takes custody; `end` ends the first attempt.
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

/// The next agent looks for due mail at least every 750 ms. The rest of the second is for the
/// machine. On a busy one it may sometimes be too little, so most of several rounds count.
fn is_handed_over_within_a_second(
    start: impl Fn(SocketAddr, &str, &str) -> Agent,
    queue: impl FnOnce(&Agent, &Silent),
) {
    const TIMES: usize = 5;

    let (url, host) = (server::database(), Silent::listen());
    // Clients are served for longer than this test takes, but the other agents get the queued mail.
    let grace = "shutdown: { grace: 1m }\n";
    let start = || start(host.address(), &url, grace);
    let mut stopping = start();
    queue(&stopping, &host);
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

#[test]
fn queued_mail_that_an_agent_gives_back_as_it_stops_another_has_within_a_second() {
    is_handed_over_within_a_second(Agent::start_by_default_on_postgres_with, |agent, host| {
        // The first attempt ends, so that the mail is queued. The next one hangs.
        submit(agent, || drop(host.client(LIMIT).unwrap()));
    });
}

#[test]
fn what_was_created_over_rest_another_has_within_a_second_of_a_stop() {
    is_handed_over_within_a_second(Agent::start_by_default_on_postgres_with, |agent, _| {
        create(agent);
    });
}

#[test]
fn what_an_exploder_attempts_from_the_queue_another_has_within_a_second_of_a_stop() {
    is_handed_over_within_a_second(Agent::start_handing_over_on_postgres_with, |agent, _| {
        create(agent);
    });
}
