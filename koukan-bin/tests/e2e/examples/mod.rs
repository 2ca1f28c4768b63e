//! The files of `config/examples`, on other ports: each is checked and started, and mail is sent
//! through it.

pub(crate) mod dns;
mod mx;
mod relay;
mod smarthost;

use std::{fs, net::SocketAddr, path::PathBuf, process::Command};

use tempfile::TempDir;

use crate::{
    peers::run,
    process::{Process, await_listener, free_address, quoted},
};

/// An agent with such a file.
struct Example {
    smtp: SocketAddr,
    rest: SocketAddr,
    directory: TempDir,
    process: Option<Process>,
}

impl Example {
    /// Makes an empty folder for an agent.
    fn new() -> Self {
        let [smtp, rest] = [(); 2].map(|()| free_address());
        Self {
            smtp,
            rest,
            directory: tempfile::tempdir().unwrap(),
            process: None,
        }
    }

    /// A file in its folder `data`.
    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Checks and starts an agent with a file in which these texts are replaced; each of them must
    /// occur.
    fn start(&mut self, text: &str, replaced: &[(&str, String)]) {
        let mut text = text.to_owned();
        for (from, to) in replaced {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        let text = text
            .replace("127.0.0.1:1025\"", &quoted(self.smtp))
            .replace("127.0.0.1:8000\"", &quoted(self.rest))
            .replace("data/", &format!("{}/", self.directory.path().display()))
            + "\nretry: { min_attempt_time: 1s, max_attempt_time: 2s }\nlog: { level: error }\n";
        self.write("koukan.yaml", &text);
        let mut koukan = Command::new(env!("CARGO_BIN_EXE_koukan"));
        run(koukan.arg("check").arg(self.path("koukan.yaml")));
        self.process = Some(Process::start_agent(&self.directory, &text));
        await_listener(self.smtp);
    }
}
