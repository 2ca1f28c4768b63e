//! The agent under test.

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    process::{Command, Stdio},
};

use tempfile::TempDir;

use crate::{
    Failed,
    process::{Process, await_listener, free_address},
};

/// `koukan run` with a queue of its own.
pub(crate) struct Agent {
    pub(crate) process: Process,
    pub(crate) ingress: SocketAddr,
    pub(crate) submission: SocketAddr,
    pub(crate) rest: SocketAddr,
    _directory: TempDir,
}

impl Agent {
    pub(crate) fn start(sink: SocketAddr) -> Result<Self, Failed> {
        let directory = tempfile::tempdir()?;
        let (ingress, submission) = (free_address()?, free_address()?);
        let rest = free_address()?;
        let config = directory.path().join("koukan.yaml");
        let folder = directory.path().display().to_string();
        fs::write(
            &config,
            configuration(&folder, ingress, submission, rest, sink),
        )?;
        let mut command = Command::new(binary()?);
        command.args(["run", "--config"]).arg(&config);
        command.stdin(Stdio::null());
        let process = Process::start(&mut command)?;
        await_listener(ingress)?;
        await_listener(submission)?;
        await_listener(rest)?;
        Ok(Self {
            process,
            ingress,
            submission,
            rest,
            _directory: directory,
        })
    }
}

/// The agent's binary, beside this one.
fn binary() -> Result<PathBuf, Failed> {
    let path = std::env::current_exe()?.with_file_name("koukan");
    if path.exists() {
        return Ok(path);
    }
    Err("the agent is not built; run `cargo build --release -p koukan` first".into())
}

fn configuration(
    folder: &str,
    ingress: SocketAddr,
    submission: SocketAddr,
    rest: SocketAddr,
    sink: SocketAddr,
) -> String {
    format!(
        r#"
hostname: bench.example
log: {{ level: error }}
storage: {{ sqlite: "{folder}/koukan.sqlite" }}
retry: {{ min_attempt_time: 5s, max_attempt_time: 5s }}
notification: {{ sender: out }}
smtp_listener:
  - {{ address: "{ingress}", sender: ingress }}
  - {{ address: "{submission}", sender: submission }}
rest_listener: [{{ address: "{rest}" }}]
rest: {{ max_message_size: 4GiB }}
sender:
  - {{ name: app, chain: out, rest: {{}} }}
  - {{ name: ingress, chain: ingress }}
  - {{ name: submission, chain: submission }}
  - {{ name: out, chain: out }}
chain:
  - name: ingress
    filter: [received_header]
    endpoint: {{ exploder: {{ policy: ingress, sender: out }} }}
  - name: submission
    filter: [received_header]
    endpoint: {{ exploder: {{ policy: submission, sender: out }} }}
  - name: out
    endpoint: {{ smtp: {{ host: ["{sink}"] }} }}
"#
    )
}
