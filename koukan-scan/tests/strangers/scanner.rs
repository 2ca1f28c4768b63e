//! Processes of scanners.

#![allow(clippy::disallowed_methods, reason = "real servers take real time")]

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

/// How long a server may take to start.
const LIMIT: Duration = Duration::from_secs(60);

/// A server process, which is killed when this is dropped.
pub(crate) struct Process(Child);

impl Process {
    /// Starts a program of Debian's.
    pub(crate) fn start(program: &str, arguments: &[&str], said: &Path) -> Self {
        assert!(
            Path::new(program).exists(),
            "{program} is not installed; run scripts/install-test-peers"
        );
        let log = fs::File::create(said).unwrap();
        let mut command = Command::new(program);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        Self(command.spawn().unwrap())
    }

    /// Waits until `is_there`. It asks repeatedly, since the process tells nobody when it is ready.
    pub(crate) async fn await_that(&mut self, said: &Path, is_there: impl Fn() -> bool) {
        let begin = Instant::now();
        while !is_there() {
            let ended = self.0.try_wait().unwrap();
            let is_late = begin.elapsed() > LIMIT;
            if ended.is_some() || is_late {
                let said = fs::read_to_string(said).unwrap_or_default();
                panic!("it does not start: {ended:?}\n{said}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Sends a signal to the process and its children.
    pub(crate) fn signal(&self, name: &str) {
        for id in self.family() {
            let mut kill = Command::new("kill");
            // A child may have ended already.
            let _ = kill.args(["-s", name, &id]).stderr(Stdio::null()).status();
        }
    }

    fn family(&self) -> Vec<String> {
        let own = self.0.id().to_string();
        let children = format!("/proc/{own}/task/{own}/children");
        let children = fs::read_to_string(children).unwrap_or_default();
        let children = children.split_whitespace().map(str::to_owned);
        children.chain([own]).collect()
    }

    /// Waits until a connection to this address has its buffers full.
    pub(crate) async fn await_connection(&self, address: &str) {
        let port = address.rsplit_once(':').unwrap().1;
        let port = format!(":{:04X}", port.parse::<u16>().unwrap());
        let begin = Instant::now();
        loop {
            let table = fs::read_to_string("/proc/net/tcp").unwrap();
            let is_full = table.lines().any(|line| {
                let mut fields = line.split_whitespace().skip(2);
                let is_to_it = fields.next().is_some_and(|to| to.ends_with(&port));
                let waiting = fields.nth(1).and_then(|queues| queues.split(':').next());
                let waiting = waiting.and_then(|octets| u64::from_str_radix(octets, 16).ok());
                is_to_it && waiting.is_some_and(|octets| octets > 10_000)
            });
            if is_full {
                return;
            }
            assert!(begin.elapsed() < LIMIT, "nobody sends to it\n{table}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal("KILL");
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An address on loopback where nobody listens, with a port below those that the system assigns to
/// connections.
pub(crate) fn free_address() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 10_000 + (std::process::id() * 101 + number) % 22_000;
        let address = format!("127.0.0.1:{port}");
        if TcpListener::bind(&address).is_ok() {
            return address;
        }
    }
}

/// Whether somebody listens.
pub(crate) fn is_listening(address: &str) -> bool {
    TcpStream::connect(address).is_ok()
}
