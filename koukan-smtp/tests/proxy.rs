//! A server behind a proxy: the client is who the proxy says.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::{
    future::ready,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use koukan_core::{
    event::{Event, Observer},
    reply::Reply,
    transaction::Transaction,
};
use koukan_smtp::{
    Network, Server,
    server::{Limits, MakeMailService, ServerTimeouts},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::Semaphore,
    time::timeout,
};
use tower::{BoxError, service_fn};

use support::running::Running;

/// Time for what does not come; a test that waits for it is wrong.
const LONG: Duration = Duration::from_secs(3600);

/// A server that takes connections from these networks for a proxy's.
fn behind<M: MakeMailService>(server: Server<M>, proxies: &[&str]) -> Server<M> {
    let networks = proxies.iter().map(|network| network.parse().unwrap());
    server.with_proxies(networks.collect::<Vec<Network>>())
}

struct Client(BufReader<TcpStream>);

impl Client {
    /// Connects and sends that first.
    async fn connect(running: &Running, header: &[u8]) -> Self {
        let mut stream = running.connect().await;
        stream.write_all(header).await.unwrap();
        Self(BufReader::new(stream))
    }

    async fn send(&mut self, octets: &[u8]) {
        self.0.get_mut().write_all(octets).await.unwrap();
    }

    /// The last line of the next reply; empty when the connection is closed.
    async fn reply(&mut self) -> String {
        loop {
            let mut line = String::new();
            // A connection that is closed with something unread may be reset.
            let read = self.0.read_line(&mut line).await;
            if read.is_err() || line.is_empty() || line.as_bytes()[3] == b' ' {
                return line.trim_end().to_owned();
            }
        }
    }

    async fn code(&mut self) -> u16 {
        let reply = self.reply().await;
        reply.get(..3).map_or(0, |code| code.parse().unwrap())
    }
}

/// Refuses MAIL, and says where from and where to the client has connected.
fn tells_hosts() -> Server<impl MakeMailService> {
    Server::new(service_fn(|tx: Transaction| async move {
        let host = |host: Option<SocketAddr>| host.map_or("-".to_owned(), |host| host.to_string());
        let context = &tx.context;
        let text = format!(
            "{} to {}",
            host(context.remote_host),
            host(context.local_host)
        );
        Ok::<_, BoxError>(Reply::policy_refused().with_text(text))
    }))
}

fn takes_all() -> Server<impl MakeMailService> {
    Server::new(support::service(support::Log::default()))
}

const MAIL: &[u8] = b"EHLO client\r\nMAIL FROM:<alice@example.com>\r\n";
const V1: &[u8] = b"PROXY TCP4 192.0.2.7 192.0.2.1 51234 25\r\n";
const V1_OF_IPV6: &[u8] = b"PROXY TCP6 2001:db8::7 2001:db8::1 51234 25\r\n";
const V2: &[u8] =
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0f\xc0\x00\x02\x07\xc0\x00\x02\x01\xc8\x22\x00\x19\x04\x00\x00";
const V2_OF_ITS_OWN: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00";

fn v1(client: &str) -> Vec<u8> {
    format!("PROXY TCP4 {client} 192.0.2.1 51234 25\r\n").into_bytes()
}

#[tokio::test]
async fn transactions_know_the_clients_address() {
    let running = Running::start(behind(tells_hosts(), &["127.0.0.0/8"])).await;
    for (header, expected) in [
        (V1, "550 5.7.1 192.0.2.7:51234 to 192.0.2.1:25"),
        (
            V1_OF_IPV6,
            "550 5.7.1 [2001:db8::7]:51234 to [2001:db8::1]:25",
        ),
        (V2, "550 5.7.1 192.0.2.7:51234 to 192.0.2.1:25"),
        // IPv4 however it is written.
        (
            b"PROXY TCP6 ::ffff:192.0.2.7 ::ffff:192.0.2.1 51234 25\r\n",
            "550 5.7.1 192.0.2.7:51234 to 192.0.2.1:25",
        ),
    ] {
        // What the client says may come right behind.
        for together in [true, false] {
            let first = if together {
                [header, MAIL].concat()
            } else {
                header.to_vec()
            };
            let mut client = Client::connect(&running, &first).await;
            assert_eq!(client.code().await, 220);
            if !together {
                client.send(MAIL).await;
            }
            assert_eq!(client.code().await, 250);
            assert_eq!(client.reply().await, expected);
        }
    }
    for header in [&b"PROXY UNKNOWN\r\n"[..], V2_OF_ITS_OWN] {
        let mut client = Client::connect(&running, &[header, MAIL].concat()).await;
        assert_eq!((client.code().await, client.code().await), (220, 250));
        let own = client.0.get_ref().local_addr().unwrap();
        let expected = format!("550 5.7.1 {own} to {}", running.address);
        assert_eq!(client.reply().await, expected);
    }
    running.stop().await;
}

#[tokio::test]
async fn a_header_that_comes_octet_by_octet_is_the_same() {
    let running = Running::start(behind(tells_hosts(), &["127.0.0.1"])).await;
    for header in [V1, V2] {
        let mut client = Client::connect(&running, b"").await;
        client.0.get_mut().set_nodelay(true).unwrap();
        for octet in header {
            client.send(&[*octet]).await;
            tokio::task::yield_now().await;
        }
        client.send(MAIL).await;
        assert_eq!((client.code().await, client.code().await), (220, 250));
        let reply = client.reply().await;
        assert!(reply.contains("192.0.2.7:51234"), "{reply}");
    }
    running.stop().await;
}

#[tokio::test]
async fn the_address_that_is_counted_is_the_clients() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let limits = Limits::default().with_connections_per_client(2);
    let server = takes_all()
        .with_limits(limits)
        .with_observers(TurnedAway(Arc::clone(&told)).into());
    let running = Running::start(behind(server, &["127.0.0.0/8"])).await;
    let mut held = Vec::new();
    // More in all than one client may have, all from the address of the proxy.
    for client in [
        "192.0.2.1",
        "192.0.2.2",
        "192.0.2.1",
        "192.0.2.2",
        "192.0.2.3",
    ] {
        let mut client = Client::connect(&running, &v1(client)).await;
        assert_eq!(client.code().await, 220);
        held.push(client);
    }
    let mut one_more = Client::connect(&running, &v1("192.0.2.1")).await;
    assert_eq!((one_more.code().await, one_more.code().await), (421, 0));
    assert_eq!(*told.lock().unwrap(), ["192.0.2.1"]);
    running.stop().await;
}

#[tokio::test]
async fn the_client_that_xclient_names_is_counted() {
    let server = takes_all()
        .with_limits(Limits::default().with_connections_per_client(2))
        .with_xclients(["127.0.0.0/8".parse::<Network>().unwrap()]);
    let running = Running::start(server).await;
    let mut held = Vec::new();
    for (client, expected) in [
        ("192.0.2.1", "220 "),
        ("192.0.2.2", "220 "),
        ("192.0.2.1", "220 "),
        // More in all than one client may have, all from the address of the proxy.
        ("192.0.2.3", "220 "),
        ("192.0.2.1", "421 too many connections, try again later"),
    ] {
        let mut proxy = Client::connect(&running, b"").await;
        assert_eq!(proxy.code().await, 220);
        let named = format!("XCLIENT ADDR={client}\r\n");
        proxy.send(named.as_bytes()).await;
        let said = proxy.reply().await;
        assert!(said.starts_with(expected), "{client}: {said}");
        held.push(proxy);
    }
    // Nothing more is said, and what a client leaves to the next one is its own again.
    assert_eq!(held.pop().unwrap().code().await, 0);
    held[0].send(b"XCLIENT ADDR=192.0.2.4\r\n").await;
    assert_eq!(held[0].code().await, 220);
    let mut proxy = Client::connect(&running, b"").await;
    assert_eq!(proxy.code().await, 220);
    proxy.send(b"XCLIENT ADDR=192.0.2.1\r\n").await;
    assert_eq!(proxy.code().await, 220);
    running.stop().await;
}

/// Notes who was turned away.
#[derive(Debug)]
struct TurnedAway(Arc<Mutex<Vec<String>>>);

impl Observer for TurnedAway {
    fn observe(&self, event: &Event<'_>) {
        if let Event::TurnedAway(connection) = event {
            let client = connection.remote_host.unwrap().ip();
            self.0.lock().unwrap().push(client.to_string());
        }
    }
}

#[tokio::test]
async fn a_connection_whose_client_is_not_known_yet_counts_as_one_of_all() {
    let server = takes_all()
        .with_limits(Limits::default().with_connections(2))
        .with_timeouts(ServerTimeouts::default().with_proxy_header(LONG));
    let running = Running::start(behind(server, &["127.0.0.0/8"])).await;
    let mut first = Client::connect(&running, b"PROXY").await;
    let _second = Client::connect(&running, b"").await;
    let mut third = Client::connect(&running, V1).await;
    assert_eq!((third.code().await, third.code().await), (421, 0));
    first.send(b" UNKNOWN\r\n").await;
    assert_eq!(first.code().await, 220);
    drop(first);
    // Its place is free when its session has ended, a moment after the socket.
    while Client::connect(&running, V1).await.code().await != 220 {
        tokio::task::yield_now().await;
    }
    running.stop().await;
}

#[tokio::test]
async fn a_proxy_that_says_nothing_leaves_room_for_clients_and_is_told_of() {
    let waiting = Arc::new(Semaphore::new(0));
    let server = takes_all()
        .with_limits(Limits::default().with_connections(16))
        .with_timeouts(ServerTimeouts::default().with_proxy_header(LONG))
        .with_observers(Waiting(Arc::clone(&waiting)).into());
    let running = Running::start(behind(server, &["127.0.0.2"])).await;
    let mut silent = Vec::new();
    for _ in 0..20 {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
        silent.push(socket.connect(running.address).await.unwrap());
    }
    waiting.acquire_many(14).await.unwrap().forget();
    let mut client = Client::connect(&running, MAIL).await;
    assert_eq!((client.code().await, client.code().await), (220, 250));
    running.stop().await;
}

/// Counts the connections of a proxy whose client is not known yet.
#[derive(Debug)]
struct Waiting(Arc<Semaphore>);

impl Observer for Waiting {
    fn observe(&self, event: &Event<'_>) {
        if let Event::AwaitsProxy(connection) = event {
            let proxy = connection.remote_host.unwrap().ip();
            assert_eq!(proxy.to_string(), "127.0.0.2");
            self.0.add_permits(1);
        }
    }
}

#[tokio::test]
async fn what_is_no_header_is_not_answered() {
    let running = Running::start(behind(takes_all(), &["127.0.0.0/8"])).await;
    for octets in [
        &b"EHLO client\r\n"[..],
        b"PROXY TCP4 192.0.2.7 192.0.2.1 51234 25\n",
        b"PROXY TCP4 nobody 192.0.2.1 51234 25\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x31\x11\x00\x00",
        b"\x16\x03\x01\x02\x00\x01",
    ] {
        let mut client = Client::connect(&running, octets).await;
        assert_eq!(client.reply().await, "", "{}", octets.escape_ascii());
    }
    // Half a header, or none at all, and the connection is closed.
    for octets in [&b"PROXY TCP4 192"[..], b""] {
        let mut client = Client::connect(&running, octets).await;
        client.0.get_mut().shutdown().await.unwrap();
        assert_eq!(client.reply().await, "");
    }
    running.stop().await;
}

#[tokio::test]
async fn a_header_is_waited_for_a_while_and_not_beyond_the_end_of_the_server() {
    let timeouts = |proxy_header| {
        ServerTimeouts::default()
            .with_proxy_header(proxy_header)
            .with_drain(LONG)
    };
    let impatient = takes_all().with_timeouts(timeouts(Duration::from_millis(50)));
    let running = Running::start(behind(impatient, &["127.0.0.0/8"])).await;
    for octets in [&b""[..], b"PROXY TCP4 ", &V2[..V2.len() - 1]] {
        let mut client = Client::connect(&running, octets).await;
        assert_eq!(client.reply().await, "");
    }
    running.stop().await;
    let patient = takes_all().with_timeouts(timeouts(LONG));
    let running = Running::start(behind(patient, &["127.0.0.0/8"])).await;
    let mut client = Client::connect(&running, b"PROXY TCP4 ").await;
    let stopped = timeout(Duration::from_secs(20), running.stop());
    stopped.await.expect("it waits for a header");
    let mut rest = Vec::new();
    let _ = client.0.read_to_end(&mut rest).await;
    assert_eq!(rest, b"");
}

/// Nobody else is believed: they are clients, to whom a header is another protocol.
#[tokio::test]
async fn a_header_from_elsewhere_is_no_header() {
    let running = Running::start(behind(tells_hosts(), &["192.0.2.0/24", "::1"])).await;
    let mut client = Client::connect(&running, &[V1, MAIL].concat()).await;
    assert_eq!(client.code().await, 220);
    let reply = client.reply().await;
    assert!(reply.starts_with("421 this is an SMTP server"), "{reply}");
    let mut client = Client::connect(&running, MAIL).await;
    assert_eq!((client.code().await, client.code().await), (220, 250));
    let own = client.0.get_ref().local_addr().unwrap();
    assert!(client.reply().await.contains(&format!("{own} to")));
    running.stop().await;
}

#[tokio::test]
async fn whoever_is_connected_and_not_accepted_when_the_server_stops_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut stream = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let server = behind(tells_hosts(), &["127.0.0.1"]);
    let stopping = tokio::spawn(server.run(listener, ready(())));
    let header = b"PROXY TCP4 192.0.2.1 198.51.100.1 40000 25\r\n";
    stream.write_all(header).await.unwrap();
    let mut client = Client(BufReader::new(stream));
    assert_eq!((client.code().await, client.code().await), (421, 0));
    drop(client);
    stopping.await.unwrap();
}
