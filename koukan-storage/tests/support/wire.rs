//! A connection to a server that can be cut: a TCP port that forwards to a Unix socket.
#![allow(dead_code, reason = "no test uses all of it")]
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::{io, net::SocketAddr, ops::Range, path::PathBuf};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, UnixStream},
    sync::watch,
};

/// What is forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passage {
    Open,
    /// Nothing, silently: what is sent meanwhile arrives when the wire is open again.
    Silent,
    /// Nothing: connections are closed, new ones at once.
    Closed,
}

#[derive(Debug, Clone)]
struct State {
    target: PathBuf,
    passage: Passage,
    /// Whether the server's answers are held back, while requests are forwarded.
    is_deaf: bool,
    /// Connections that began before this changed are closed.
    epoch: u32,
    /// The numbers of the connections that nothing passes any more.
    dead: Range<u32>,
}

/// One such connection; it lives as long as its runtime.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) address: SocketAddr,
    state: watch::Sender<State>,
    /// How many connections were accepted.
    accepted: watch::Sender<u32>,
}

impl Wire {
    pub(crate) async fn lay(target: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = State {
            target,
            passage: Passage::Open,
            is_deaf: false,
            epoch: 0,
            dead: 0..0,
        };
        let state = watch::Sender::new(state);
        let accepted = watch::Sender::new(0);
        tokio::spawn(accept(listener, state.subscribe(), accepted.clone()));
        Self {
            address,
            state,
            accepted,
        }
    }

    /// The URL of a database at the other end.
    pub(crate) fn url(&self, database: &str) -> String {
        let address = self.address;
        format!("postgres://koukan@{address}/{database}?sslmode=disable")
    }

    pub(crate) fn set(&self, passage: Passage) {
        self.state.send_modify(|state| {
            state.passage = passage;
            state.is_deaf = false;
            state.epoch += u32::from(passage == Passage::Closed);
        });
    }

    /// Holds back the server's answers from now on.
    pub(crate) fn deafen(&self) {
        self.state.send_modify(|state| state.is_deaf = true);
    }

    /// Lets nothing pass these connections any more, by their numbers, as a firewall that has forgotten them; others, also
    /// new ones, are not affected.
    pub(crate) fn forget(&self, dead: Range<u32>) {
        self.state.send_modify(|state| state.dead = dead);
    }

    /// How many connections were accepted.
    pub(crate) fn accepted(&self) -> u32 {
        *self.accepted.borrow()
    }

    /// Waits for that many more connections.
    pub(crate) async fn await_connections(&self, more: u32) {
        let mut accepted = self.accepted.subscribe();
        let before = *accepted.borrow_and_update();
        accepted
            .wait_for(|now| *now >= before + more)
            .await
            .unwrap();
    }

    /// Closes all connections; new ones lead to another server.
    pub(crate) fn switch(&self, target: PathBuf) {
        self.state.send_modify(|state| {
            state.target = target;
            state.is_deaf = false;
            state.epoch += 1;
        });
    }
}

async fn accept(
    listener: TcpListener,
    state: watch::Receiver<State>,
    accepted: watch::Sender<u32>,
) {
    while let Ok((client, _)) = listener.accept().await {
        let number = *accepted.borrow();
        accepted.send_modify(|accepted| *accepted += 1);
        let mut changes = state.clone();
        let begun = state.borrow().clone();
        if begun.passage == Passage::Closed {
            continue;
        }
        let [up, down] = [state.clone(), state.clone()];
        tokio::spawn(async move {
            let epoch = begun.epoch;
            let is_over = changes.wait_for(|now| now.epoch != epoch);
            let passing = async {
                let server = UnixStream::connect(&begun.target).await?;
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                tokio::select! {
                    biased;
                    passed = pass(from_client, to_server, up, (number, false)) => passed,
                    passed = pass(from_server, to_client, down, (number, true)) => passed,
                }
            };
            tokio::select! {
                biased;
                _ = is_over => {}
                _ = passing => {}
            }
        });
    }
}

/// Forwards octets until either end closes.
async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut state: watch::Receiver<State>,
    (number, is_from_server): (u32, bool),
) -> io::Result<()> {
    let mut octets = vec![0; 16 << 10];
    loop {
        let read = from.read(&mut octets).await?;
        let is_open = |now: &State| {
            let is_held_back = is_from_server && now.is_deaf || now.dead.contains(&number);
            now.passage == Passage::Open && !is_held_back
        };
        if state.wait_for(is_open).await.is_err() || read == 0 {
            return Ok(());
        }
        to.write_all(&octets[..read]).await?;
    }
}
