//! How soon another agent goes on with what one has worked on, with the settings that agents have by default.

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    time::Duration,
};

use serde_json::json;
use tokio::time::Instant;

use crate::{agent::Agent, http::Request, postgres::server, process::comes_within};

/// What an agent may need on a machine that does other things, where no time is told.
const LIMIT: Duration = Duration::from_secs(60);
/// How soon what an agent has under lease is given to others once it says nothing more.
const TERM: Duration = Duration::from_secs(6);

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

#[test]
fn what_an_agent_gives_back_as_it_stops_another_has_before_its_leases_end() {
    let (url, host) = (server::database(), Silent::listen());
    let mut stopped = Agent::start_by_default_on_postgres(host.address(), &url);
    let _other = Agent::start_by_default_on_postgres(host.address(), &url);
    create(&stopped);
    let _first = host.client(LIMIT).unwrap();
    stopped.signal("TERM");
    assert!(stopped.wait(LIMIT).success());
    // It was given back before that.
    let since = Instant::now();
    let second = host.client(LIMIT);
    let took = since.elapsed();
    assert!(second.is_some() && took < TERM / 2, "{took:?}");
}
