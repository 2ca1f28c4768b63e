//! The agent, which is killed and started again on the same database.

use std::{
    fs::{self, File},
    net::SocketAddr,
    path::PathBuf,
    process::Command,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    http::Request,
    process::{Process, await_listeners, comes_within, free_address},
};

use super::{
    database::{Database, Kind},
    destination::Destination,
    plan::FLAPPING,
    record,
};

/// A transaction that is due later than this has been put off because it was running during many
/// crashes.
const PUT_OFF: SignedDuration = SignedDuration::from_secs(20);

pub(super) struct Agent {
    pub(super) submission: SocketAddr,
    pub(super) ingress: SocketAddr,
    pub(super) rest: SocketAddr,
    destinations: [SocketAddr; 2],
    /// How often it was started before.
    run: u32,
    process: Process,
    database: Database,
    directory: TempDir,
}

impl Agent {
    pub(super) fn start(kind: Kind, destination: &Destination) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::make(kind, directory.path());
        let [submission, ingress, rest] = [(); 3].map(|()| free_address());
        let destinations = [destination.steady, destination.flapping];
        let addresses = [submission, ingress, rest];
        let process = spawn(&directory, &database, 0, addresses, destinations);
        Self {
            submission,
            ingress,
            rest,
            destinations,
            run: 0,
            process,
            database,
            directory,
        }
    }

    /// Waits until it takes mail.
    pub(super) fn await_ready(&self) {
        await_listeners([self.submission, self.ingress, self.rest]);
    }

    /// Sends SIGTERM.
    pub(super) fn begin_to_stop(&self) {
        self.process.signal("TERM");
    }

    /// Kills it with SIGKILL; returns when that was.
    pub(super) fn kill(&mut self) -> Timestamp {
        let at = Timestamp::now();
        self.process.kill();
        at
    }

    /// Starts the next run, and does not wait for it.
    pub(super) fn start_again(&mut self) {
        self.run += 1;
        let addresses = [self.submission, self.ingress, self.rest];
        let (directory, database) = (&self.directory, &self.database);
        self.process = spawn(directory, database, self.run, addresses, self.destinations);
    }

    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    /// Waits until nothing is due soon.
    ///
    /// # Errors
    ///
    /// What is still due at the end of the limit.
    pub(super) fn comes_to_rest(&self, limit: Duration) -> Result<(), String> {
        let mut left = Vec::new();
        let is_at_rest = comes_within(limit, || {
            let all = record::SENDERS.iter();
            left = all.flat_map(|sender| self.not_at_rest(sender)).collect();
            left.is_empty()
        });
        match is_at_rest {
            true => Ok(()),
            false => Err(format!("the queue does not come to rest: {left:#?}")),
        }
    }

    fn not_at_rest(&self, sender: &str) -> Vec<Value> {
        let list = |state: &str| {
            let path = format!("/senders/{sender}/transactions?state={state}&limit=1000");
            let answer = Request::get(&path).send(self.rest).unwrap();
            assert_eq!(answer.status, 200, "{}", answer.text);
            answer.json()["transactions"].as_array().unwrap().clone()
        };
        // What is leased between the first two answers is due again only some time later.
        let mut all = Vec::new();
        for state in ["waiting", "active", "waiting"] {
            let found = list(state).into_iter();
            all.extend(found.filter(|found| state == "active" || !is_put_off(found)));
        }
        all
    }

    /// Stops it in good order, and reads what is left in its database.
    pub(super) fn stop(&mut self) -> record::Record {
        self.begin_to_stop();
        let status = self.process.wait(Duration::from_secs(40));
        assert!(status.success(), "{status}");
        record::Record::read(&self.database)
    }

    /// What all runs have logged, with the number of the run before each line.
    pub(super) fn log(&self) -> String {
        let mut log = String::new();
        for run in 0..=self.run {
            let text = fs::read_to_string(log_file(&self.directory, run)).unwrap();
            for line in text.lines() {
                log += &format!("run {run}: {line}\n");
            }
        }
        log
    }
}

/// Whether nothing is to be done with it soon. If all recipients were refused, nobody sends the
/// message any more. If the agent was killed before the client gave up, the transaction waits as
/// long as any draft may.
fn is_put_off(transaction: &Value) -> bool {
    let message = &transaction["body"]["blob_status"];
    let is_draft = message.is_object() && message["finalized"] != true;
    if is_draft && transaction["final_attempt_reason"] == "failed" {
        return true;
    }
    let next = transaction["next_attempt"].as_str();
    let next = next.and_then(|time| time.parse::<Timestamp>().ok());
    next.is_some_and(|next| next.duration_since(Timestamp::now()) > PUT_OFF)
}

fn log_file(directory: &TempDir, run: u32) -> PathBuf {
    directory.path().join(format!("run-{run}.log"))
}

fn spawn(
    directory: &TempDir,
    database: &Database,
    run: u32,
    [submission, ingress, rest]: [SocketAddr; 3],
    [steady, flapping]: [SocketAddr; 2],
) -> Process {
    let text = format!(
        r#"
hostname: run-{run}.example
storage: {database}
notification: {{ sender: notices }}
smtp_listener:
  - {{ address: "{submission}", sender: submission }}
  - {{ address: "{ingress}", sender: ingress }}
rest_listener: [{{ address: "{rest}" }}]
sender:
  - {{ name: submission, chain: submission }}
  - {{ name: ingress, chain: ingress }}
  - {{ name: steady, chain: steady, rest: {{}} }}
  - {{ name: flapping, chain: flapping, rest: {{}} }}
  - {{ name: notices, chain: steady, rest: {{}} }}
chain:
  - name: submission
    filter: [received_header]
    endpoint:
      exploder:
        policy: submission
        sender: steady
        domain: {{ {FLAPPING}: flapping }}
        rcpt_timeout: 500ms
        final_timeout: 500ms
  - name: ingress
    filter: [received_header]
    endpoint:
      exploder: {{ policy: ingress, sender: steady, domain: {{ {FLAPPING}: flapping }} }}
  - name: steady
    filter: []
    endpoint: {{ smtp: {{ host: ["{steady}"] }} }}
  - name: flapping
    filter: []
    endpoint: {{ smtp: {{ host: ["{flapping}"] }} }}
retry: {{ min_attempt_time: 500ms, max_attempt_time: 1s }}
log: {{ level: info }}
"#,
        database = database.configured(),
    );
    let config = directory.path().join("koukan.yaml");
    fs::write(&config, text).unwrap();
    let log = File::create(log_file(directory, run)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_koukan"));
    command.args(["run", "--config"]).arg(config);
    command.stdout(log.try_clone().unwrap()).stderr(log);
    Process::start(&mut command)
}
