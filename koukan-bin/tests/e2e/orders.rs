//! SIGHUP, SIGUSR1 and SIGUSR2, which other servers take as orders.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    time::Duration,
};

use crate::{
    client::Client,
    process::{Process, await_listeners, free_address},
};

/// An agent of any of the programs, with what it logs.
struct Agent {
    process: Process,
    log: Box<dyn Iterator<Item = String>>,
}

impl Agent {
    fn start(program: &str, arguments: &[&str], config: &str) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).arg(config).stdin(Stdio::null());
        command.stderr(Stdio::piped());
        let (process, log) = Process::start_with_log(&mut command);
        let log = BufReader::new(log).lines().map_while(Result::ok);
        Self {
            process,
            log: Box::new(log),
        }
    }

    /// The next line that contains a text.
    fn line(&mut self, text: &str) -> String {
        let found = self.log.find(|line| line.contains(text));
        found.unwrap_or_else(|| panic!("it ended, and did not log {text}"))
    }
}

#[test]
fn signals_that_are_orders_for_other_servers_are_logged_and_change_nothing() {
    let address = free_address();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("koukan.yaml");
    let config = format!(
        "hostname: a.example\nsmtp_listener: [{{ address: \"{address}\", sender: out }}]\n\
         notification: {{ sender: out }}\nstorage: memory\nsender: [{{ name: out, chain: out }}]\nchain:\n  \
         - name: out\n    endpoint: {{ smtp: {{ host: [\"127.0.0.1:9\"] }} }}\n"
    );
    std::fs::write(&path, config).unwrap();
    let path = path.to_str().unwrap();
    for (program, arguments) in [
        (env!("CARGO_BIN_EXE_koukan"), &["run", "--config"][..]),
        (env!("CARGO_BIN_EXE_koukan-gateway"), &["--config"]),
        (env!("CARGO_BIN_EXE_koukan-router"), &["--config"]),
    ] {
        let mut agent = Agent::start(program, arguments, path);
        await_listeners([address]);
        let client = Client::connect(address).unwrap();
        for signal in ["HUP", "USR1", "USR2", "HUP"] {
            agent.process.signal(signal);
            let line = agent.line("a signal changes nothing");
            assert!(line.contains(&format!("SIG{signal}")), "{line}");
        }
        // Whoever is connected stays so.
        drop(client);
        Client::connect(address).unwrap();
        agent.process.signal("TERM");
        agent.process.signal("HUP");
        let status = agent.process.wait(Duration::from_secs(30));
        assert!(status.success(), "{program}: {status}");
    }
}
