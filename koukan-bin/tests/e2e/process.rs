//! Child processes that end with their test.

#![allow(clippy::disallowed_methods, reason = "real processes take real time")]

use std::{
    fs, io,
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, ChildStderr, ChildStdout, Command, ExitStatus},
    sync::atomic::{AtomicU32, Ordering},
    thread::sleep,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::net::TcpSocket;

/// How long a program may take from its start until it listens.
const LISTENS_WITHIN: Duration = Duration::from_secs(30);

/// A child process that is killed when this is dropped.
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn start(command: &mut Command) -> Self {
        let program = command.get_program().to_owned();
        match command.spawn() {
            Ok(child) => Self(child),
            Err(error) => panic!("could not start {program:?}: {error}"),
        }
    }

    /// Starts an agent with that configuration, which is written into the directory.
    pub(crate) fn start_agent(directory: &TempDir, config: &str) -> Self {
        let path = directory.path().join("koukan.yaml");
        fs::write(&path, config).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_koukan"));
        Self::start(command.args(["run", "--config"]).arg(path))
    }

    /// Starts a program, and returns its standard output as well.
    pub(crate) fn start_with_output(command: &mut Command) -> (Self, ChildStdout) {
        let mut process = Self::start(command);
        let output = process.0.stdout.take();
        (process, output.expect("the output is piped"))
    }

    /// Starts a program, and returns its standard error as well.
    #[allow(dead_code, reason = "not every program that includes this reads a log")]
    pub(crate) fn start_with_log(command: &mut Command) -> (Self, ChildStderr) {
        let mut process = Self::start(command);
        let log = process.0.stderr.take();
        (process, log.expect("the log is piped"))
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Kills it with SIGKILL.
    pub(crate) fn kill(&mut self) {
        let _ = self.0.kill();
        self.0.wait().unwrap();
    }

    /// Sends a signal by its name, as in `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args(["-s", name, &self.id().to_string()])
            .status();
        assert!(status.unwrap().success());
    }

    /// Whether the process has ended by itself.
    #[allow(dead_code, reason = "only those ask who start it again")]
    pub(crate) fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }

    /// Waits until the process ends by itself.
    pub(crate) fn wait(&mut self, limit: Duration) -> ExitStatus {
        let mut status = None;
        eventually(limit, || {
            status = self.0.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An address on loopback on which nobody listens.
///
/// The port lies below those that the system chooses for connections, so that no connection takes
/// the port while nobody listens, and none is connected to itself.
pub(crate) fn free_address() -> SocketAddr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 10_000 + (std::process::id() * 101 + number) % 22_000;
        let address = SocketAddr::from(([127, 0, 0, 1], u16::try_from(port).unwrap()));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

/// An address with the closing quotation mark, to replace another one in a configuration. Without
/// the mark, the other one could be the beginning of a third.
pub(crate) fn quoted(address: SocketAddr) -> String {
    format!("{address}\"")
}

/// Waits until something listens.
pub(crate) fn await_listener(address: SocketAddr) {
    eventually(LISTENS_WITHIN, || TcpStream::connect(address).is_ok());
}

/// Waits until an agent listens on each of its addresses; it opens them one after another.
///
/// It connects as a client that no test is: what it takes ends only when the agent sees that it has gone, and until
/// then it counts as that client's.
pub(crate) fn await_listeners<const N: usize>(addresses: [SocketAddr; N]) {
    const CLIENT: [u8; 4] = [127, 0, 0, 9];

    for address in addresses {
        eventually(LISTENS_WITHIN, || connect_from(CLIENT, address).is_ok());
    }
}

/// Connects from that address of this machine.
pub(crate) fn connect_from(client: [u8; 4], server: SocketAddr) -> io::Result<TcpStream> {
    let connect = async {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((client, 0)))?;
        let stream = socket.connect(server).await?.into_std()?;
        stream.set_nonblocking(false)?;
        Ok(stream)
    };
    koukan::command::block_on(Some(1), connect)?
}

/// Waits for something that another process does, of which this process gets no event.
#[track_caller]
pub(crate) fn eventually(limit: Duration, holds: impl FnMut() -> bool) {
    assert!(
        comes_within(limit, holds),
        "it did not come within {limit:?}"
    );
}

/// Like [`eventually`], but returns whether it has happened.
pub(crate) fn comes_within(limit: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while !holds() {
        if start.elapsed() >= limit {
            return false;
        }
        sleep(Duration::from_millis(20));
    }
    true
}
