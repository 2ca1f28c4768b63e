//! A router or a gateway: a process that can be ended and started again.

use std::{
    fs::{self, File},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process::{Command, ExitStatus},
    thread::sleep,
    time::Duration,
};

use crate::process::{Process, comes_within};

/// A stop that takes longer is taken for one that does not end: 25 s, and more for a busy machine.
const STOPPED: Duration = Duration::from_secs(60);

/// How long it may take until it listens; it is started again if its database is not there.
const STARTED: Duration = Duration::from_secs(120);
/// The pause before it is started again.
const AGAIN: Duration = Duration::from_millis(300);

/// Makes the configuration of the run with that number.
type Configure = Box<dyn Fn(u32) -> String + Send>;

pub(crate) struct Node {
    name: String,
    directory: PathBuf,
    /// The addresses on which it listens.
    listeners: Vec<SocketAddr>,
    configure: Configure,
    run: u32,
    process: Process,
}

impl Node {
    pub(crate) fn start(
        name: &str,
        directory: PathBuf,
        listeners: Vec<SocketAddr>,
        configure: Configure,
    ) -> Self {
        let process = spawn(name, &directory, &configure(0), 0);
        let mut node = Self {
            name: name.to_owned(),
            directory,
            listeners,
            configure,
            run: 0,
            process,
        };
        node.await_listeners();
        node
    }

    /// Kills it with SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    pub(crate) fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// Sends SIGTERM, and waits for the end.
    pub(crate) fn drain(&mut self) -> ExitStatus {
        self.process.signal("TERM");
        self.process.wait(STOPPED)
    }

    /// Starts the next run, and waits until it listens.
    pub(crate) fn start_again(&mut self) {
        self.spawn();
        self.await_listeners();
    }

    fn spawn(&mut self) {
        self.run += 1;
        let text = (self.configure)(self.run);
        self.process = spawn(&self.name, &self.directory, &text, self.run);
    }

    /// Waits until it listens. If it has ended, it is started again, as orchestrators do.
    fn await_listeners(&mut self) {
        let listens = comes_within(STARTED, || {
            if self.process.has_ended() {
                sleep(AGAIN);
                self.spawn();
            }
            let mut listeners = self.listeners.iter();
            listeners.all(|address| TcpStream::connect(address).is_ok())
        });
        assert!(listens, "{} does not start", self.name);
    }
}

fn spawn(name: &str, directory: &std::path::Path, text: &str, run: u32) -> Process {
    let config = directory.join(format!("{name}.yaml"));
    fs::write(&config, text).unwrap();
    let log = File::create(directory.join(format!("{name}-run-{run}.log"))).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_koukan"));
    command.args(["run", "--config"]).arg(config);
    command.stdout(log.try_clone().unwrap()).stderr(log);
    Process::start(&mut command)
}
