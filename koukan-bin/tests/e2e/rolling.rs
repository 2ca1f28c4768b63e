//! A rolling restart: agents over one database are stopped and started one after the other, under load.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    process::{Child, ChildStdin, ChildStdout, Stdio},
    time::Duration,
};

use koukan_rest::auth::generate_token;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    agent::Agent,
    collector::Collector,
    http::Request,
    peers::{peer, python_peer},
    postgres::server,
    process::{Process, await_listener, eventually, free_address},
};

/// How long an agent may take to stop, or to start again, on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// A balancer that asks agents whether they are ready, as an orchestrator does, and notices changes
/// late.
struct Front {
    address: SocketAddr,
    _process: Process,
    _directory: TempDir,
}

impl Front {
    fn start(agents: &[Agent]) -> Self {
        let (address, directory) = (free_address(), tempfile::tempdir().unwrap());
        let mut text = format!(
            "defaults\n mode http\n timeout connect 5s\n timeout client 90s\n timeout server 90s\n timeout check 5s\n \
             retries 3\n option redispatch 1\n retry-on conn-failure\n\
             listen rest\n bind {address}\n balance roundrobin\n option httpchk GET /readyz\n \
             default-server check inter 300ms fall 1 rise 1\n",
        );
        for (number, agent) in agents.iter().enumerate() {
            text += &format!(" server agent{number} {}\n", agent.rest);
        }
        let file = directory.path().join("haproxy.cfg");
        fs::write(&file, text).unwrap();
        let process = Process::start(peer("haproxy").args(["-q", "-db", "-f"]).arg(&file));
        await_listener(address);
        Self {
            address,
            _process: process,
            _directory: directory,
        }
    }
}

/// The clients of `rolling.py`, in a separate process.
struct Clients {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Clients {
    fn start(front: SocketAddr, agents: &[Agent], token: &str) -> Self {
        let mut command = python_peer("python");
        command.args(["-c", include_str!("rolling.py"), &front.to_string()]);
        command.args(agents.iter().map(|agent| agent.rest.to_string()));
        let submission = agents.iter().map(|agent| agent.submission.to_string());
        command
            .env("TOKEN", token)
            .env("SUBMISSION", submission.collect::<Vec<_>>().join(" "))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let input = child.stdin.take();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut started = String::new();
        output.read_line(&mut started).unwrap();
        assert_eq!(started, "started\n");
        Self {
            child,
            input,
            output,
        }
    }

    /// Ends them; returns the outcome of what they have sent.
    fn stop(mut self) -> Value {
        drop(self.input.take());
        let mut told = String::new();
        self.output.read_to_string(&mut told).unwrap();
        serde_json::from_str(&told).unwrap()
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_ready(agent: &Agent) -> bool {
    let answer = Request::get("/readyz").send(agent.rest);
    answer.is_ok_and(|answer| answer.status == 200)
}

#[test]
fn a_rolling_restart_loses_no_request_of_those_who_try_again_where_they_are_refused() {
    let (sink, url) = (Collector::start(), server::database());
    let (secret, hash) = generate_token();
    let grace = "shutdown: { grace: 1s }\n";
    let mut agents = [(); 3].map(|()| Agent::start_replica_with(sink.address, &url, &hash, grace));
    let front = Front::start(&agents);
    let clients = Clients::start(front.address, &agents, &secret);
    for agent in &mut agents {
        // Each agent has something to do.
        let before = sink.count();
        eventually(LIMIT, || sink.count() > before + 50);
        agent.signal("TERM");
        let status = agent.wait(LIMIT);
        assert!(status.success(), "{status}");
        agent.restart();
        eventually(LIMIT, || is_ready(agent));
    }
    let told = clients.stop();
    for (kind, of_kind) in told.as_object().unwrap() {
        assert_eq!(of_kind["wrong"], Value::Null, "{kind}");
        let acknowledged = of_kind["acknowledged"].as_array().unwrap();
        assert!(acknowledged.len() > 10, "{kind}: {}", acknowledged.len());
        for to in acknowledged {
            sink.only_message(to.as_str().unwrap());
        }
    }
    // Clients were told that their connections end. A client that then connects anew is refused,
    // unless the agent has started again before the system repeats the request to connect.
    for kind in ["direct", "fresh"] {
        assert!(told[kind]["closed"].as_u64() > Some(0), "{told}");
    }
    // The agent has ended sessions.
    assert!(told["smtp-kept"]["closed"].as_u64() > Some(0), "{told}");
}

#[test]
fn whoever_is_to_stop_is_not_ready_and_promises_mail_for_others_until_connections_are_refused() {
    let (sink, url) = (Collector::start(), server::database());
    let (secret, hash) = generate_token();
    // Longer than this test takes.
    let grace = "shutdown: { grace: 1m }\n";
    let mut agent = Agent::start_replica_with(sink.address, &url, &hash, grace);
    let _other = Agent::start_replica(sink.address, &url, &hash);
    agent.signal("TERM");
    eventually(LIMIT, || {
        Request::get("/readyz").send(agent.rest).unwrap().status == 503
    });
    let bearer = format!("Bearer {secret}");
    let create = Request::new("POST", "/senders/submission/transactions")
        .header("Authorization", &bearer)
        .json(&json!({
            "mail_from": {"m": "a@example.org"}, "rcpt_to": [{"m": "b@example.com"}],
            "body": {"inline": "Subject: hi\r\n\r\nhello\r\n"},
        }));
    let created = create.send(agent.rest).unwrap();
    assert_eq!(created.status, 201, "{}", created.text);
    sink.only_message("b@example.com");
    agent.kill();
}
