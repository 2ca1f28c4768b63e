//! The server on real sockets: how many it takes, how it stops, what a bug costs.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::{future::ready, time::Duration};

use koukan_core::{
    context::{Context, Sender},
    event::{Event, Observer},
    reply::Reply,
    transaction::Transaction,
};
use koukan_smtp::{
    Server,
    server::{Connected, Limits, ServerTimeouts},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tower::{BoxError, service_fn};

use support::running::Running;

struct Client(BufReader<TcpStream>);

impl Client {
    async fn connect(running: &Running) -> Self {
        Self(BufReader::new(running.connect().await))
    }

    async fn send(&mut self, octets: &str) {
        self.0.get_mut().write_all(octets.as_bytes()).await.unwrap();
    }

    /// The code of the next reply; 0 when the connection is closed.
    async fn code(&mut self) -> u16 {
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).await.unwrap();
            match line.as_bytes() {
                [] => return 0,
                [_, _, _, b'-', ..] => {}
                _ => return line[..3].parse().unwrap(),
            }
        }
    }

    async fn says<const N: usize>(&mut self, octets: &str, codes: [u16; N]) {
        self.send(octets).await;
        for code in codes {
            assert_eq!(self.code().await, code, "after {octets:?}");
        }
    }
}

const MAIL: &str = "MAIL FROM:<alice@example.com>\r\nRCPT TO:<bob@example.com>\r\n";

#[tokio::test]
async fn a_client_may_have_so_many_connections() {
    let server = Server::new(support::service(support::Log::default()))
        .with_limits(Limits::default().with_connections_per_client(2));
    let running = Running::start(server).await;
    let mut first = Client::connect(&running).await;
    let mut second = Client::connect(&running).await;
    assert_eq!((first.code().await, second.code().await), (220, 220));
    let mut third = Client::connect(&running).await;
    assert_eq!((third.code().await, third.code().await), (421, 0));
    first.says("QUIT\r\n", [221, 0]).await;
    drop(first);
    // The permit comes back with the end of the session's task, a moment after the socket's.
    loop {
        let mut again = Client::connect(&running).await;
        if again.code().await == 220 {
            break;
        }
        tokio::task::yield_now().await;
    }
    drop(second);
    running.stop().await;
}

#[tokio::test]
async fn stopping_ends_idle_sessions_and_lets_transactions_end() {
    let log = support::Log::default();
    let running = Running::start(Server::new(support::service(log.clone()))).await;
    let (mut idle, mut busy) = (
        Client::connect(&running).await,
        Client::connect(&running).await,
    );
    idle.says("EHLO client\r\n", [220, 250]).await;
    busy.says(&format!("EHLO client\r\n{MAIL}"), [220, 250, 250, 250])
        .await;

    running.shutdown.cancel();
    idle.says("", [421, 0]).await;
    busy.says("DATA\r\n", [354]).await;
    busy.says("hello\r\n.\r\n", [250, 421, 0]).await;
    running.task.await.unwrap();
    assert_eq!(log.rest().last().unwrap(), "message hello\\r\\n");
    assert!(
        TcpStream::connect(running.address).await.is_err(),
        "nobody listens any more"
    );
}

#[tokio::test]
async fn whoever_is_connected_and_not_accepted_when_the_server_stops_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut clients = Vec::new();
    for number in 0..50 {
        let address = listener.local_addr().unwrap();
        let mut client = TcpStream::connect(address).await.unwrap();
        if number % 2 == 0 {
            client.write_all(b"EHLO client\r\n").await.unwrap();
        }
        clients.push(client);
    }
    let server = Server::new(support::service(support::Log::default()));
    let stopping = tokio::spawn(server.run(listener, ready(())));
    for mut client in clients {
        let mut told = String::new();
        client.read_to_string(&mut told).await.unwrap();
        assert!(told.starts_with("421 ") && told.ends_with("\r\n"), "{told}");
        // It has not been reset meanwhile.
        client.write_all(b"QUIT\r\n").await.unwrap();
    }
    stopping.await.unwrap();
}

#[tokio::test]
async fn a_command_that_crosses_the_last_reply_does_not_destroy_it() {
    let running = Running::start(Server::new(support::service(support::Log::default()))).await;
    let mut idle = Client::connect(&running).await;
    idle.says("EHLO client\r\n", [220, 250]).await;
    running.shutdown.cancel();
    // Until the server has said all.
    idle.0.get_ref().readable().await.unwrap();
    idle.send("MAIL FROM:<a@example.com>\r\n").await;
    assert_eq!((idle.code().await, idle.code().await), (421, 0));
    drop(idle);
    running.task.await.unwrap();
}

#[tokio::test]
async fn stopping_does_not_wait_for_ever() {
    let log = support::Log::default();
    let server = Server::new(support::service(log.clone()))
        .with_timeouts(ServerTimeouts::default().with_drain(Duration::from_millis(50)));
    let running = Running::start(server).await;
    let mut client = Client::connect(&running).await;
    client
        .says(
            &format!("EHLO client\r\n{MAIL}DATA\r\n"),
            [220, 250, 250, 250, 354],
        )
        .await;
    running.stop().await;
    assert_eq!((client.code().await, client.code().await), (421, 0));
    assert_eq!(log.rest().last().unwrap(), "aborted");
}

#[tokio::test]
async fn stopping_does_not_wait_for_a_silent_client() {
    let ehlo = "EHLO client\r\n";
    let mail = "EHLO client\r\nMAIL FROM:<a@example.com>\r\n";
    let data = format!("EHLO client\r\n{MAIL}DATA\r\nhalf");
    let chunk = format!("EHLO client\r\n{MAIL}BDAT 10\r\nhalf");
    for (said, replies) in [(ehlo, 2), (mail, 3), (&data, 5), (&chunk, 4)] {
        let log = support::Log::default();
        let server = Server::new(support::service(log.clone())).with_timeouts(
            ServerTimeouts::default()
                .with_stopping(Duration::from_millis(50))
                .with_drain(Duration::from_secs(3600)),
        );
        let running = Running::start(server).await;
        let mut client = Client::connect(&running).await;
        client.send(said).await;
        for _ in 0..replies {
            assert!(matches!(client.code().await, 200..400), "{said}");
        }
        running.stop().await;
        assert_eq!(
            (client.code().await, client.code().await),
            (421, 0),
            "{said}"
        );
        let seen = log.rest();
        let is_aborted = seen.last().is_none_or(|last| last == "aborted");
        assert!(is_aborted, "{seen:?}");
    }
}

#[tokio::test]
async fn stopping_does_not_wait_for_a_client_that_reads_nothing() {
    let server = Server::new(support::service(support::Log::default()));
    let server = server.with_limits(Limits::default().with_idle_commands(u32::MAX));
    let server =
        server.with_timeouts(ServerTimeouts::default().with_drain(Duration::from_millis(50)));
    let running = Running::start(server).await;
    let mut client = Client::connect(&running).await;
    let commands = "EHLO client\r\n".repeat(10_000);
    // Until there is no room for replies, and so no command is taken any more.
    let full = Duration::from_millis(300);
    while timeout(full, client.send(&commands)).await.is_ok() {}
    let stopped = timeout(Duration::from_secs(20), running.stop()).await;
    assert!(stopped.is_ok(), "it waits until writing has its end");
}

#[tokio::test]
async fn stopping_waits_for_a_reply_from_upstream() {
    let log = support::Log::default();
    let server = Server::new(support::service(log.clone()))
        .with_timeouts(ServerTimeouts::default().with_stopping(Duration::from_millis(1)));
    let running = Running::start(server).await;
    let mut client = Client::connect(&running).await;
    let slow = "MAIL FROM:<slow@example.com>\r\n";
    client.says("EHLO client\r\n", [220, 250]).await;
    client.send(slow).await;
    log.next().await;
    running.shutdown.cancel();
    // The reply takes a second; then it is the client's turn, which says nothing.
    client.says("", [250, 421, 0]).await;
    running.task.await.unwrap();
}

#[tokio::test]
async fn a_bug_costs_one_session() {
    let service = support::service(support::Log::default());
    let running = Running::start(Server::new(service)).await;
    let mut other = Client::connect(&running).await;
    let mut client = Client::connect(&running).await;
    client
        .says(
            "HELO client\r\nMAIL FROM:<panics@example.com>\r\n",
            [220, 250, 451],
        )
        .await;
    client.says(MAIL, [250, 250]).await;
    other.says("HELO client\r\n", [220, 250]).await;
    drop((client, other));
    running.stop().await;
}

#[tokio::test]
async fn a_service_that_cannot_be_chosen_costs_one_session() {
    let service = support::service(support::Log::default());
    let make = move |client: &Context| {
        let name = client.client_name.as_ref().map(|name| &*name.name);
        assert_ne!(name, Some("odd.example"), "a bug");
        (client.sender.clone(), service.clone())
    };
    let running = Running::start(Server::with_make(make)).await;
    let (mut odd, mut other) = (
        Client::connect(&running).await,
        Client::connect(&running).await,
    );
    odd.says("EHLO odd.example\r\n", [220, 250]).await;
    odd.says(MAIL, [0]).await;
    other.says("EHLO client\r\n", [220, 250]).await;
    other.says(MAIL, [250, 250]).await;
    drop(other);
    running.stop().await;
}

#[tokio::test]
async fn a_transaction_knows_its_session() {
    let service = service_fn(|tx: Transaction| async move {
        let context = &tx.context;
        let name = context.client_name.as_ref().ok_or("no name")?;
        let text = format!("{} from {} {}", context.sender, name.name, name.is_extended);
        assert!(context.remote_host.is_some());
        Ok::<_, BoxError>(Reply::policy_refused().with_text(text))
    });
    let sender = Sender::new("submission").with_tag("smtp-msa");
    let running = Running::start(Server::new(service).with_sender(sender)).await;
    let mut client = Client::connect(&running).await;
    client.says("EHLO one.example\r\n", [220, 250]).await;
    let mut line = String::new();
    client.send(MAIL).await;
    client.0.read_line(&mut line).await.unwrap();
    assert_eq!(
        line,
        "550 5.7.1 submission/smtp-msa from one.example true\r\n"
    );
    client.says("HELO two.example\r\n", [503, 250]).await;
    client.send(MAIL).await;
    line.clear();
    client.0.read_line(&mut line).await.unwrap();
    assert_eq!(line, "550 submission/smtp-msa from two.example false\r\n");
    drop(client);
    running.stop().await;
}

/// What a server's observer is told of connections.
#[derive(Debug, Clone, Default)]
struct Connections(std::sync::Arc<std::sync::Mutex<Vec<String>>>);

impl Observer for Connections {
    fn observe(&self, event: &Event<'_>) {
        let (what, connection) = match event {
            Event::Connected(connection) => ("connected", connection),
            Event::Disconnected(connection, _) => ("disconnected", connection),
            Event::TurnedAway(connection) => ("turned away", connection),
            _ => panic!("{event:?}"),
        };
        let sender = connection.sender.map(ToString::to_string);
        assert_eq!(sender.as_deref(), Some("ingress"));
        assert_eq!(connection.protocol.as_str(), "smtp");
        let remote = connection.remote_host.map(|remote| remote.ip().to_string());
        let line = format!("{what} {}", remote.as_deref().unwrap_or("-"));
        self.0.lock().unwrap().push(line);
    }
}

#[tokio::test]
async fn observers_are_told_of_connections_also_of_those_that_are_turned_away() {
    let told = Connections::default();
    let server = Server::new(support::service(support::Log::default()))
        .with_observers(told.clone().into())
        .with_limits(Limits::default().with_connections(1));
    let own = server.clone();
    let running = Running::start(server).await;
    let mut first = Client::connect(&running).await;
    assert_eq!(first.code().await, 220);
    let mut second = Client::connect(&running).await;
    assert_eq!(second.code().await, 421);
    first.says("QUIT\r\n", [221, 0]).await;
    running.stop().await;
    let (client, theirs) = tokio::io::duplex(1024);
    drop(client);
    own.serve(theirs, &Connected::default()).await;
    let expected = [
        "connected 127.0.0.1",
        "turned away 127.0.0.1",
        "disconnected 127.0.0.1",
        "connected -",
        "disconnected -",
    ];
    assert_eq!(*told.0.lock().unwrap(), expected);
}

/// An observer with a bug.
#[derive(Debug)]
struct Panics;

impl Observer for Panics {
    fn observe(&self, event: &Event<'_>) {
        if let Event::Connected(_) = event {
            panic!("this is what the test is about");
        }
    }
}

#[tokio::test]
async fn an_observer_that_panics_costs_its_connections_and_not_the_listener() {
    let server = Server::new(support::service(support::Log::default()))
        .with_observers(Panics.into())
        .with_limits(Limits::default().with_connections(1));
    let running = Running::start(server).await;
    // Nor do they take places away.
    for _ in 0..3 {
        let mut client = Client::connect(&running).await;
        assert_eq!(client.code().await, 0);
    }
    running.stop().await;
}
