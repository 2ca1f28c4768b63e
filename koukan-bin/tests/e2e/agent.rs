//! `koukan run` with the local configuration, on other ports.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
    time::Duration,
};

use tempfile::TempDir;

use crate::process::{Process, await_listeners, free_address, quoted};

/// Tests do not wait for minutes.
const RETRY: &str = "{ min_attempt_time: 1s, max_attempt_time: 2s }";

/// A running agent.
pub(crate) struct Agent {
    pub(crate) ingress: SocketAddr,
    pub(crate) submission: SocketAddr,
    pub(crate) rest: SocketAddr,
    process: Process,
    directory: TempDir,
}

impl Agent {
    pub(crate) fn start(sink: SocketAddr) -> Self {
        Self::start_by(sink, "", command)
    }

    /// Starts an agent with that much memory for messages.
    pub(crate) fn start_with_memory(sink: SocketAddr, memory: &str) -> Self {
        let more = format!("  memory_budget: {memory}\n");
        Self::start_by(sink, &more, command)
    }

    /// Starts an agent that keeps events.
    pub(crate) fn start_with_events(sink: SocketAddr) -> Self {
        Self::start_by(sink, "  events: {}\n", command)
    }

    /// The same, with additional text at the end of the configuration.
    pub(crate) fn start_with_events_and(sink: SocketAddr, more: &str) -> Self {
        Self::start_as(sink, "  events: {}\n", more, command)
    }

    /// Starts an agent that cannot write files beyond a number of blocks of 512 octets.
    pub(crate) fn start_with_file_limit(sink: SocketAddr, blocks: u32) -> Self {
        // An ignored signal is still ignored in the program that replaces the shell.
        let limit = format!("trap '' XFSZ; ulimit -f {blocks}");
        Self::start_by(sink, "", |config| limited(&limit, config))
    }

    /// Starts an agent that can have that many files and connections open.
    pub(crate) fn start_with_descriptors(sink: SocketAddr, descriptors: u32) -> Self {
        let limit = format!("ulimit -n {descriptors}");
        Self::start_by(sink, "", |config| limited(&limit, config))
    }

    /// As [`Agent::start_with_descriptors`], with a limit that the agent may raise.
    pub(crate) fn start_with_soft_descriptors(sink: SocketAddr, descriptors: u32) -> Self {
        let limit = format!("ulimit -Sn {descriptors}");
        Self::start_by(sink, "", |config| limited(&limit, config))
    }

    /// Starts an agent on a PostgreSQL database of that URL.
    pub(crate) fn start_on_postgres(sink: SocketAddr, url: &str) -> Self {
        Self::start_on_postgres_with(sink, url, "session_term: 2s")
    }

    /// The same, with these settings for the database.
    pub(crate) fn start_on_postgres_with(sink: SocketAddr, url: &str, settings: &str) -> Self {
        let postgres = format!("  postgres: {{ url: \"{url}\", {settings} }}\n");
        Self::start_by(sink, &postgres, command)
    }

    /// The same, with default settings for the database.
    pub(crate) fn start_by_default_on_postgres(sink: SocketAddr, url: &str) -> Self {
        Self::start_by_default_on_postgres_with(sink, url, "")
    }

    /// The same, with more at the end of its configuration.
    pub(crate) fn start_by_default_on_postgres_with(
        sink: SocketAddr,
        url: &str,
        more: &str,
    ) -> Self {
        let postgres = format!("  postgres: {{ url: \"{url}\" }}\n");
        Self::start_as(sink, &postgres, more, command)
    }

    /// The same, where mail that is created over REST for local users is handed over to the chain of ingress, which has an
    /// exploder.
    pub(crate) fn start_handing_over_on_postgres_with(
        sink: SocketAddr,
        url: &str,
        more: &str,
    ) -> Self {
        let postgres = format!("  postgres: {{ url: \"{url}\" }}\n");
        Self::start_changed(sink, (&postgres, more), command, |text, _| {
            // The first chain with such a rule is that of applications.
            let rule = "            - static_hosts: ";
            assert!(text.contains(rule), "{text}");
            let ours = "address_list: { domains: [example.com], sender: ingress, tag: smtp-mx }";
            text.replacen(rule, &format!("            - {ours}\n{rule}"), 1)
        })
    }

    /// Starts an agent on a shared PostgreSQL database. Its REST API accepts the token with that hash, and it publishes
    /// its address for the other agents.
    pub(crate) fn start_replica(sink: SocketAddr, url: &str, token: &str) -> Self {
        Self::start_replica_with(sink, url, token, "")
    }

    /// The same, with events, and with additional text at the end of the configuration.
    pub(crate) fn start_replica_with(sink: SocketAddr, url: &str, token: &str, more: &str) -> Self {
        let events = "  events: {}\n";
        let postgres = format!("{events}  postgres: {{ url: \"{url}\", session_term: 2s }}\n");
        Self::start_changed(sink, (&postgres, more), command, |text, rest| {
            let listener = format!("  - {{ address: \"{rest}\" }}\n");
            assert!(text.contains(&listener), "{text}");
            let more = format!(
                "  - address: \"{rest}\"\n    session_url: \"http://{rest}\"\n    \
                 token: [{{ name: t, sha256: \"{token}\" }}]\n",
            );
            text.replace(&listener, &more)
        })
    }

    /// Starts an agent on a shared PostgreSQL database that suppresses bad addresses of its applications' mail. It refreshes
    /// its session only every 15 seconds.
    pub(crate) fn start_suppressing_replica(sink: SocketAddr, url: &str) -> Self {
        let postgres = format!("  postgres: {{ url: \"{url}\", session_term: 2m }}\n");
        Self::start_changed(sink, (&postgres, ""), command, |text, _| {
            let sender = "rest: {} }";
            assert!(text.contains(sender), "{text}");
            text.replacen(sender, "rest: {}, suppression: {} }", 1)
        })
    }

    /// Starts an agent with additional text at the end of the configuration.
    pub(crate) fn start_with(sink: SocketAddr, more: &str) -> Self {
        Self::start_as(sink, "", more, command)
    }

    /// Starts an agent that retries as this says.
    pub(crate) fn start_with_retry(sink: SocketAddr, retry: &str) -> Self {
        Self::start_changed(sink, ("", ""), command, |text, _| {
            assert!(text.contains(RETRY), "{text}");
            text.replace(RETRY, retry)
        })
    }

    /// Starts an agent with additional lines in its storage settings.
    fn start_by(sink: SocketAddr, storage: &str, command: impl Fn(&Path) -> Command) -> Self {
        Self::start_as(sink, storage, "", command)
    }

    fn start_as(
        sink: SocketAddr,
        storage: &str,
        more: &str,
        command: impl Fn(&Path) -> Command,
    ) -> Self {
        Self::start_changed(sink, (storage, more), command, |text, _| text)
    }

    /// Starts an agent with a configuration that `change` edits; `change` also gets the address of the REST API.
    fn start_changed(
        sink: SocketAddr,
        (storage, more): (&str, &str),
        command: impl Fn(&Path) -> Command,
        change: impl Fn(String, SocketAddr) -> String,
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let [ingress, submission, rest] = [(); 3].map(|()| free_address());
        let config = config_file(&directory);
        let text = include_str!("../../../config/local/koukan.yaml")
            .replace("storage:\n", &format!("storage:\n{storage}"))
            .replace(sqlite_unless(storage), "")
            .replace("127.0.0.1:1025\"", &quoted(ingress))
            .replace("127.0.0.1:1587\"", &quoted(submission))
            .replace("127.0.0.1:3025\"", &quoted(sink))
            .replace("127.0.0.1:8000\"", &quoted(rest))
            .replace("data/", &format!("{}/", directory.path().display()))
            + &format!("\nretry: {RETRY}\nlog: {{ level: warn }}\n{more}");
        fs::write(&config, change(text, rest)).unwrap();
        let process = Process::start(&mut command(&config));
        await_listeners([ingress, submission, rest]);
        Self {
            ingress,
            submission,
            rest,
            process,
            directory,
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// The path of its database.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Kills it with SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again, with the same configuration and queue.
    pub(crate) fn restart(&mut self) {
        self.process = Process::start(&mut command(&config_file(&self.directory)));
        await_listeners([self.ingress, self.submission, self.rest]);
    }

    pub(crate) fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    pub(crate) fn wait(&mut self, limit: Duration) -> ExitStatus {
        self.process.wait(limit)
    }
}

/// The line about SQLite, which is replaced if another database is used.
fn sqlite_unless(storage: &str) -> &'static str {
    match storage.contains("postgres:") {
        true => "  sqlite: data/koukan.sqlite\n",
        // This text does not occur.
        false => "\0",
    }
}

fn config_file(directory: &TempDir) -> PathBuf {
    directory.path().join("koukan.yaml")
}

fn command(config: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_koukan"));
    command.args(["run", "--config"]).arg(config);
    command
}

/// The command that sets a limit in a shell and then replaces that shell.
fn limited(limit: &str, config: &Path) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{limit}; exec \"$@\""), "sh"]);
    shell.args([env!("CARGO_BIN_EXE_koukan"), "run", "--config"]);
    shell.arg(config);
    shell
}
