//! An agent in one process, or in two.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use crate::{
    postgres::server::database,
    process::{Process, await_listeners, free_address, quoted},
};

/// How the agent is divided into processes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// `koukan run` alone.
    Whole,
    /// The same, on a PostgreSQL database.
    OnPostgres,
    /// `koukan run` alone, whose router and gateway speak HTTP to each other.
    Loopback,
    /// `koukan-router` and `koukan-gateway`, with HTTP between them.
    Split,
}

/// A running agent with the local configuration, on other ports.
pub(super) struct Agent {
    pub(super) ingress: SocketAddr,
    pub(super) submission: SocketAddr,
    pub(super) rest: SocketAddr,
    /// The process that keeps mail, and the gateway if it is a separate process.
    processes: Vec<Process>,
    commands: Vec<(PathBuf, &'static str, PathBuf)>,
    _directory: TempDir,
}

impl Agent {
    pub(super) fn start(shape: Shape, sink: SocketAddr) -> Self {
        Self::start_by(shape, sink, free_address(), "", &[])
    }

    /// Like [`Agent::start`], with an application that receives mail.
    pub(super) fn start_with_receiver(
        shape: Shape,
        sink: SocketAddr,
        receiver: SocketAddr,
    ) -> Self {
        Self::start_by(shape, sink, receiver, "", &[])
    }

    /// Like [`Agent::start`], with more lines in the configuration of each process.
    pub(super) fn start_with(shape: Shape, sink: SocketAddr, more: &str) -> Self {
        Self::start_by(shape, sink, free_address(), more, &[])
    }

    /// Like [`Agent::start_with`], with replaced texts in the configurations.
    pub(super) fn start_changed(
        shape: Shape,
        sink: SocketAddr,
        more: &str,
        changes: &[(&str, &str)],
    ) -> Self {
        Self::start_by(shape, sink, free_address(), more, changes)
    }

    /// The process ids.
    pub(super) fn ids(&self) -> impl Iterator<Item = u32> {
        self.processes.iter().map(Process::id)
    }

    fn start_by(
        shape: Shape,
        sink: SocketAddr,
        receiver: SocketAddr,
        more: &str,
        changes: &[(&str, &str)],
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database = matches!(shape, Shape::OnPostgres).then(database);
        let [ingress, submission, rest, gateway] = [(); 4].map(|()| free_address());
        let write = |name: &str, text: &str| {
            let changed = changes
                .iter()
                .fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
            let changed = match &database {
                Some(url) => changed.replace(
                    "sqlite: data/koukan.sqlite\n",
                    &format!("postgres: {{ url: \"{url}\", session_term: 2s }}\n  events: {{}}\n"),
                ),
                None => changed,
            };
            let text = changed
                .replace("127.0.0.1:1025\"", &quoted(ingress))
                .replace("127.0.0.1:1587\"", &quoted(submission))
                .replace("127.0.0.1:3025\"", &quoted(sink))
                .replace("127.0.0.1:8000\"", &quoted(rest))
                .replace("127.0.0.1:8001\"", &quoted(gateway))
                .replace("127.0.0.1:8002\"", &quoted(receiver))
                .replace("data/koukan.sqlite\n", "data/koukan.sqlite\n  events: {}\n")
                .replace("data/", &format!("{}/", directory.path().display()))
                // Tests should not wait for minutes.
                + "\nretry: { min_attempt_time: 1s, max_attempt_time: 2s }\nlog: { level: warn }\n"
                + more;
            let path = directory.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let commands = match shape {
            Shape::Whole | Shape::OnPostgres => vec![(
                PathBuf::from(env!("CARGO_BIN_EXE_koukan")),
                "run",
                write(
                    "koukan.yaml",
                    include_str!("../../../../config/local/koukan.yaml"),
                ),
            )],
            Shape::Loopback => vec![(
                PathBuf::from(env!("CARGO_BIN_EXE_koukan")),
                "run",
                write("loopback.yaml", include_str!("loopback.yaml")),
            )],
            Shape::Split => vec![
                (
                    PathBuf::from(env!("CARGO_BIN_EXE_koukan-router")),
                    "",
                    write(
                        "router.yaml",
                        include_str!("../../../../config/local/router.yaml"),
                    ),
                ),
                (
                    PathBuf::from(env!("CARGO_BIN_EXE_koukan-gateway")),
                    "",
                    write(
                        "gateway.yaml",
                        include_str!("../../../../config/local/gateway.yaml"),
                    ),
                ),
            ],
        };
        let mut agent = Self {
            ingress,
            submission,
            rest,
            processes: Vec::new(),
            commands,
            _directory: directory,
        };
        for index in 0..agent.commands.len() {
            let process = agent.process(index);
            agent.processes.push(process);
        }
        await_listeners([ingress, submission, rest]);
        agent
    }

    /// Kills the process that keeps mail with SIGKILL.
    pub(super) fn kill(&mut self) {
        self.processes[0].kill();
    }

    /// Starts it again, with the same configuration and queue.
    pub(super) fn restart(&mut self) {
        self.processes[0] = self.process(0);
        await_listeners([self.ingress, self.submission, self.rest]);
    }

    fn process(&self, index: usize) -> Process {
        let (program, run, config) = &self.commands[index];
        Process::start(&mut command(program, run, config))
    }
}

fn command(program: &Path, run: &str, config: &Path) -> Command {
    let mut command = Command::new(program);
    if !run.is_empty() {
        command.arg(run);
    }
    command.arg("--config").arg(config);
    command
}
