//! Several agents over one database, behind a balancer that sends each request to the next agent.

use std::{fs, net::SocketAddr, time::Duration};

use koukan_rest::auth::generate_token;
use serde_json::json;
use tempfile::TempDir;

use crate::{
    agent::Agent,
    collector::Collector,
    http::{Answer, Request},
    peers::peer,
    postgres::server,
    process::{Process, await_listener, eventually, free_address},
};

const MESSAGE: &[u8] = b"Subject: hi\r\n\r\nhello\r\n";

/// Two agents, and a balancer in front of them.
struct Site {
    one: Agent,
    other: Agent,
    front: SocketAddr,
    secret: String,
    _balancer: Process,
    _directory: TempDir,
}

impl Site {
    fn start(sink: SocketAddr) -> Self {
        let url = server::database();
        let (secret, hash) = generate_token();
        let [one, other] = [(); 2].map(|()| Agent::start_replica(sink, &url, &hash));
        let (front, directory) = (free_address(), tempfile::tempdir().unwrap());
        let file = directory.path().join("haproxy.cfg");
        let text = format!(
            "defaults\n mode http\n timeout connect 5s\n timeout client 90s\n timeout server 90s\n \
             retries 3\n option redispatch 1\n\
             listen rest\n bind {front}\n balance roundrobin\n server one {}\n server other {}\n",
            one.rest, other.rest
        );
        fs::write(&file, text).unwrap();
        let balancer = Process::start(peer("haproxy").args(["-q", "-db", "-f"]).arg(&file));
        await_listener(front);
        Self {
            one,
            other,
            front,
            secret,
            _balancer: balancer,
            _directory: directory,
        }
    }

    fn ask(&self, at: SocketAddr, request: Request) -> Answer {
        let bearer = format!("Bearer {}", self.secret);
        request.header("Authorization", &bearer).send(at).unwrap()
    }

    /// Creates a transaction whose message is uploaded later; returns its path.
    fn create(&self, at: SocketAddr, to: &str) -> String {
        let create = Request::new("POST", "/senders/submission/transactions").json(&json!({
            "mail_from": {"m": "alice@example.org"}, "rcpt_to": [{"m": to}],
        }));
        let created = self.ask(at, create);
        assert_eq!(created.status, 201, "{}", created.text);
        let uri = created.json()["body"]["blob_status"]["uri"].clone();
        let uri = uri
            .as_str()
            .unwrap()
            .strip_suffix("/body")
            .unwrap()
            .to_owned();
        uri[uri.find("/transactions/").unwrap()..].to_owned()
    }

    fn upload(&self, at: SocketAddr, path: &str) -> Answer {
        self.ask(
            at,
            Request::new("PUT", &format!("{path}/body")).content(MESSAGE),
        )
    }

    fn read(&self, at: SocketAddr, path: &str) -> Answer {
        self.ask(at, Request::get(path).header("request-timeout", "30"))
    }
}

#[test]
fn whichever_replica_is_asked_answers_for_all() {
    let sink = Collector::start();
    let site = Site::start(sink.address);
    let (one, other) = (site.one.rest, site.other.rest);
    // Each request goes to another replica than the one before.
    for index in 0..3 {
        let to = format!("r{index}@example.com");
        let path = site.create(site.front, &to);
        let uploaded = site.upload(site.front, &path);
        assert_eq!(uploaded.status, 200, "{}", uploaded.text);
        for at in [one, other] {
            let read = site.read(at, &path);
            assert_eq!(read.json()["data_response"]["code"], 250, "{}", read.text);
        }
        sink.only_message(&to);
    }
    let path = site.create(one, "cancelled@example.com");
    for at in [other, one] {
        let cancel = Request::new("POST", &format!("{path}/cancel"));
        let cancelled = site.ask(at, cancel);
        assert_eq!(cancelled.json()["cancelled"], true, "{}", cancelled.text);
    }
    let stranger = Request::get(&path).header("Authorization", "Bearer stranger");
    assert_eq!(stranger.send(other).unwrap().status, 401);
}

#[test]
fn what_a_killed_replica_had_promised_is_gone_on_with_at_another() {
    let sink = Collector::start();
    let mut site = Site::start(sink.address);
    let path = site.create(site.one.rest, "b@example.com");
    let other = site.other.rest;
    let read = site.ask(other, Request::get(&path));
    assert_eq!(read.status, 200, "{}", read.text);
    site.one.kill();
    // A client that is told to try again succeeds within the time after which a replica is known to
    // be dead.
    let limit = Duration::from_secs(10);
    eventually(limit, || match site.upload(site.front, &path).status {
        200 => true,
        503 => false,
        status => panic!("{status}"),
    });
    let read = site.read(site.front, &path);
    assert_eq!(read.json()["data_response"]["code"], 250, "{}", read.text);
    sink.only_message("b@example.com");
}
