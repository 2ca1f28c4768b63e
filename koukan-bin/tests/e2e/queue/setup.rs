//! An agent whose destinations are chosen by domain.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
    time::Duration,
};

use tempfile::TempDir;

use crate::{
    http::Request,
    process::{Process, await_listener, free_address},
};

/// A running agent. It sends mail for `smtp.example` to a host by SMTP, mail for `rest.example` to
/// the same host by HTTP, and all other mail to a sink.
pub(super) struct Agent {
    pub(super) submission: SocketAddr,
    pub(super) rest: SocketAddr,
    process: Process,
    config: PathBuf,
    directory: TempDir,
}

impl Agent {
    pub(super) fn start(host: SocketAddr, sink: SocketAddr) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let [submission, rest] = [(); 2].map(|()| free_address());
        let database = directory.path().join("koukan.sqlite");
        let text = format!(
            r#"
hostname: koukan.localdomain
storage: {{ sqlite: "{}" }}
notification: {{ sender: sink }}
smtp_listener:
  - {{ address: "{submission}", sender: submission }}
rest_listener:
  - {{ address: "{rest}" }}
sender:
  - {{ name: submission, chain: submission }}
  - {{ name: by-smtp, chain: by-smtp, rest: {{}} }}
  - {{ name: by-rest, chain: by-rest, rest: {{}} }}
  - {{ name: sink, chain: sink, rest: {{}} }}
chain:
  - name: submission
    filter: [received_header]
    endpoint:
      exploder:
        policy: submission
        sender: sink
        domain: {{ smtp.example: by-smtp, rest.example: by-rest }}
        rcpt_timeout: 1s
        final_timeout: 1s
  - name: by-smtp
    filter: []
    endpoint: {{ smtp: {{ host: ["{host}"] }} }}
  - name: by-rest
    filter: []
    endpoint: {{ rest: {{ url: "http://{host}", sender: receiver, incremental: false }} }}
  - name: sink
    filter: []
    endpoint: {{ smtp: {{ host: ["{sink}"] }} }}
retry: {{ min_attempt_time: 1s, max_attempt_time: 2s }}
log: {{ level: warn }}
"#,
            database.display()
        );
        let config = directory.path().join("koukan.yaml");
        fs::write(&config, text).unwrap();
        let process = run(&config);
        await_listener(submission);
        await_listener(rest);
        Self {
            submission,
            rest,
            process,
            config,
            directory,
        }
    }

    pub(super) fn database(&self) -> PathBuf {
        self.directory.path().join("koukan.sqlite")
    }

    pub(super) fn config(&self) -> &Path {
        &self.config
    }

    pub(super) fn stop(&mut self, limit: Duration) -> ExitStatus {
        self.process.signal("TERM");
        self.process.wait(limit)
    }

    pub(super) fn restart(&mut self) {
        self.process = run(&self.config);
        await_listener(self.submission);
        await_listener(self.rest);
    }

    /// Makes a GET request; returns the status and everything after it.
    pub(super) fn get(&self, path: &str) -> (u16, String) {
        let answer = Request::get(path).send(self.rest).unwrap();
        (answer.status, answer.text)
    }
}

fn run(config: &PathBuf) -> Process {
    let mut command = Command::new(env!("CARGO_BIN_EXE_koukan"));
    command.args(["run", "--config"]).arg(config);
    Process::start(&mut command)
}
