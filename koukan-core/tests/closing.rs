//! Closing a listener while clients connect.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::net::UnixStream,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use koukan_core::network::{BoundSocket, ListenAddress, Listener, ServerStream, UnixAccess};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::JoinSet,
};

/// How many clients connect at the same time, each again and again.
const CLIENTS: usize = 4;

/// A connection, and what is heard of whoever accepts it.
trait Connection: Read + Write {
    fn ask(&mut self) -> io::Result<()> {
        self.write_all(b"?")?;
        let mut answer = Vec::new();
        self.read_to_end(&mut answer)?;
        match &answer[..] {
            b"!" => Ok(()),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

impl Connection for TcpStream {}
impl Connection for UnixStream {}

fn connect(to: &ListenAddress) -> io::Result<Box<dyn Connection>> {
    Ok(match to {
        ListenAddress::Tcp(address) => Box::new(TcpStream::connect(address)?),
        ListenAddress::Unix(path) => Box::new(UnixStream::connect(path)?),
        other => panic!("{other:?}"),
    })
}

/// Connects and asks, again and again, until it is refused; what failed otherwise.
fn come_until_refused(to: &ListenAddress, answered: &AtomicUsize) -> io::Result<()> {
    use io::ErrorKind::{ConnectionRefused, NotFound};
    loop {
        match connect(to) {
            Ok(mut connection) => connection.ask()?,
            Err(error) if matches!(error.kind(), ConnectionRefused | NotFound) => return Ok(()),
            Err(error) => return Err(error),
        }
        answered.fetch_add(1, Ordering::Relaxed);
    }
}

async fn answer(mut stream: ServerStream) {
    stream.read_exact(&mut [0]).await.unwrap();
    stream.write_all(b"!").await.unwrap();
}

async fn close_among_clients(address: &ListenAddress) {
    let listener = Listener::bind(address, UnixAccess::default());
    let listener = listener.await.unwrap();
    let address = listener.address().unwrap();
    let answered = Arc::new(AtomicUsize::new(0));
    let clients = (0..CLIENTS).map(|_| {
        let (address, answered) = (address.clone(), Arc::clone(&answered));
        thread::spawn(move || come_until_refused(&address, &answered))
    });
    let clients: Vec<_> = clients.collect();
    let mut answering = JoinSet::new();
    for _ in 0..CLIENTS * 50 {
        let (stream, _) = listener.accept().await.unwrap();
        answering.spawn(answer(stream));
    }
    listener
        .close(|(stream, _): (_, Option<SocketAddr>)| {
            answering.spawn(answer(stream));
        })
        .await;
    while let Some(answered) = answering.join_next().await {
        answered.unwrap();
    }
    for client in clients {
        let ended = tokio::task::spawn_blocking(move || client.join().unwrap());
        assert!(matches!(ended.await.unwrap(), Ok(())), "{address}");
    }
    assert!(answered.load(Ordering::Relaxed) >= CLIENTS * 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_connects_while_a_listener_is_closed_is_answered_or_refused() {
    let directory = tempfile::tempdir().unwrap();
    let addresses = [
        "127.0.0.1:0".parse().unwrap(),
        "[::1]:0".parse().unwrap(),
        ListenAddress::Unix(directory.path().join("socket")),
    ];
    for address in &addresses {
        close_among_clients(address).await;
    }
}

#[tokio::test]
async fn whoever_connects_to_an_inherited_socket_waits_for_the_next_process() {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let bound = BoundSocket::from(socket);
    let listener = bound.listener().unwrap();
    let before = TcpStream::connect(address).unwrap();
    listener.close(|_| panic!("nobody is accepted")).await;
    let after = TcpStream::connect(address).unwrap();
    let next = bound.listener().unwrap();
    for client in [before, after] {
        let (_, from) = next.accept().await.unwrap();
        assert_eq!(from, Some(client.local_addr().unwrap()));
    }
}
