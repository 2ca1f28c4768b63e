//! Errors are counted by client over all its connections: it is slowed down, and then refused for a while.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use koukan_core::{
    blocking::BlockingPool,
    event::{Event, Observer},
};
use koukan_smtp::{
    Network, Server,
    sasl::scram::Verifier,
    server::{Connected, Limits, MakeMailService, PasswordFile},
};
use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite, AsyncWriteExt, BufReader, DuplexStream},
    time::{Instant, advance},
};

use support::running::Running;

/// What who has made too many errors hears when it connects.
const BARRED: &str = "421 too many errors from this client, try again later";
/// And in the middle of a session.
const TOO_MANY: &str = "421 4.7.0 too many errors from this client, try again later";
const REFUSED: &str = "550 5.1.1 no such user here";
const MINUTE: Duration = Duration::from_secs(60);

fn server(errors: u32) -> Server<impl MakeMailService> {
    let verifier = Verifier::new("pencil", 4096).unwrap();
    let users = format!("alice:{verifier}").parse().unwrap();
    Server::new(support::service(support::Log::default()))
        .with_authenticator(PasswordFile::new(users, BlockingPool::default()).unwrap())
        .with_auth_in_clear()
        .with_xclients(["192.0.2.9/32".parse::<Network>().unwrap()])
        .with_limits(Limits::default().with_errors_per_client(errors))
}

struct Client<IO>(IO);

impl<IO: AsyncBufRead + AsyncWrite + Unpin> Client<IO> {
    /// The last line of the next reply; nothing where the connection is closed.
    async fn reply(&mut self) -> String {
        loop {
            let mut line = String::new();
            let read = self.0.read_line(&mut line).await;
            if read.is_err() || line.is_empty() || line.as_bytes()[3] == b' ' {
                return line.trim_end().to_owned();
            }
        }
    }

    async fn ask(&mut self, line: &str) -> String {
        let line = format!("{line}\r\n");
        // Who is turned away may not be listened to any more.
        let _ = self.0.write_all(line.as_bytes()).await;
        self.reply().await
    }

    /// Begins a transaction; how the client is greeted where it is not welcome.
    async fn begin(&mut self) -> Result<(), String> {
        let greeting = self.reply().await;
        if !greeting.starts_with("220 ") {
            return Err(greeting);
        }
        assert!(self.ask("EHLO client").await.starts_with("250 "));
        assert!(self.ask("MAIL FROM:<>").await.starts_with("250 "));
        Ok(())
    }

    /// Names as many recipients that are not there, and returns the last reply.
    async fn look(&mut self, count: usize) -> String {
        let mut last = String::new();
        for _ in 0..count {
            last = self.ask("RCPT TO:<unknown@example.com>").await;
        }
        last
    }
}

fn connect<M: MakeMailService>(server: &Server<M>, from: &str) -> Client<BufReader<DuplexStream>> {
    let connected = Connected {
        remote_host: Some(from.parse().unwrap()),
        ..Connected::default()
    };
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    tokio::spawn(server.serve(theirs, &connected));
    Client(BufReader::new(ours))
}

/// Looks for so many addresses on a connection of its own; returns the last reply and how long it took.
async fn look<M: MakeMailService>(server: &Server<M>, from: &str, count: usize) -> (String, u64) {
    let (mut client, begun) = (connect(server, from), Instant::now());
    let last = match client.begin().await {
        Ok(()) => client.look(count).await,
        Err(greeting) => greeting,
    };
    (last, begun.elapsed().as_secs())
}

#[tokio::test(start_paused = true)]
async fn who_looks_for_addresses_on_connection_after_connection_is_slowed_down_and_then_refused() {
    let server = server(50);
    let refused = |seconds| (REFUSED.to_owned(), seconds);
    // Each time from another address of its network. A tenth is for nothing.
    assert_eq!(look(&server, "[2001:db8::1]:1", 5).await, refused(0));
    assert_eq!(look(&server, "[2001:db8::2]:1", 5).await, refused(5));
    let mut open = connect(&server, "[2001:db8::7]:1");
    open.begin().await.unwrap();
    for host in 3..7 {
        let from = format!("[2001:db8::{host}]:1");
        assert_eq!(look(&server, &from, 10).await, refused(10), "{host}");
    }
    // Also on a connection that was there before.
    assert_eq!(open.look(1).await, TOO_MANY);
    assert_eq!(open.reply().await, "");
    let barred = (BARRED.to_owned(), 0);
    assert_eq!(look(&server, "[2001:db8::8]:1", 1).await, barred);
    // Nobody else is touched.
    for from in ["[2001:db8:0:1::1]:1", "198.51.100.1:1"] {
        assert_eq!(look(&server, from, 5).await, refused(0), "{from}");
    }
    // Half of them must be forgotten.
    advance(29 * MINUTE).await;
    assert_eq!(look(&server, "[2001:db8::1]:1", 1).await, barred);
    advance(MINUTE).await;
    assert_eq!(look(&server, "[2001:db8::1]:1", 1).await, refused(1));
    advance(60 * MINUTE).await;
    assert_eq!(look(&server, "[2001:db8::1]:1", 5).await, refused(0));
}

#[tokio::test(start_paused = true)]
async fn who_sends_junk_on_connection_after_connection_is_slowed_down_and_then_refused() {
    let server = server(30);
    let mut replies = Vec::new();
    let begun = Instant::now();
    for _ in 0..6 {
        let mut client = connect(&server, "192.0.2.1:1");
        let mut last = client.reply().await;
        for _ in 0..6 {
            if last.starts_with("421") {
                break;
            }
            last = client.ask("JUNK").await;
        }
        replies.push(last);
        assert_eq!(
            connect(&server, "192.0.2.2:1").reply().await.get(..3),
            Some("220")
        );
    }
    let junk = "500 unknown command";
    assert_eq!(replies, [junk, junk, junk, junk, junk, BARRED]);
    // The first three were for nothing; what came behind each other one waited.
    assert_eq!(begun.elapsed().as_secs(), 22);
}

#[tokio::test(start_paused = true)]
async fn commands_that_lead_nowhere_count_where_there_are_too_many_on_a_connection() {
    let server = server(250);
    let mut greetings = Vec::new();
    for _ in 0..4 {
        let mut client = connect(&server, "192.0.2.1:1");
        greetings.push(client.reply().await[..3].to_owned());
        // No more of them than a program may say that looks whether the connection is there.
        let mut said = 0;
        while client.ask("NOOP").await.starts_with("250") {
            said += 1;
        }
        assert!(said == 100 || greetings.last().unwrap() == "421", "{said}");
    }
    assert_eq!(greetings, ["220", "220", "220", "421"]);
}

#[tokio::test(start_paused = true)]
async fn a_list_with_dead_addresses_among_those_that_are_there_makes_no_errors() {
    let server = server(20);
    for _ in 0..10 {
        let mut client = connect(&server, "192.0.2.1:1");
        client.begin().await.unwrap();
        for _ in 0..20 {
            let reply = client.ask("RCPT TO:<a@example.com>").await;
            assert!(reply.starts_with("250 "), "{reply}");
            assert_eq!(client.look(1).await, REFUSED);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_has_shown_who_it_is_may_err_ten_times_as_often_and_is_counted_wherever_it_is() {
    let limits = Limits::default()
        .with_errors_per_client(20)
        .with_refusal_delay(Duration::ZERO);
    let server = server(20).with_limits(limits);
    let login = async |from: &str| {
        let mut client = connect(&server, from);
        client.reply().await;
        client.ask("EHLO client").await;
        let reply = client.ask("AUTH PLAIN AGFsaWNlAHBlbmNpbA==").await;
        (client, reply)
    };
    for number in 0..4 {
        let (mut client, _) = login(&format!("192.0.2.{}:1", 20 + number)).await;
        client.ask("MAIL FROM:<>").await;
        assert_eq!(client.look(50).await, REFUSED, "{number}");
    }
    let (mut client, reply) = login("192.0.2.30:1").await;
    assert_eq!(reply, TOO_MANY);
    assert_eq!(client.reply().await, "");
    // Where it was, others are welcome.
    assert_eq!(look(&server, "192.0.2.20:1", 1).await, (REFUSED.into(), 0));
}

#[tokio::test(start_paused = true)]
async fn those_on_this_host_are_not_counted_and_a_proxys_clients_are_each_by_itself() {
    let server = server(5);
    for _ in 0..3 {
        for here in ["127.0.0.1:1", "[::1]:1", "192.0.2.9:1"] {
            assert_eq!(look(&server, here, 10).await, (REFUSED.into(), 0), "{here}");
        }
    }
    let mut greetings = Vec::new();
    for named in ["192.0.2.1", "192.0.2.1", "192.0.2.2"] {
        let mut proxy = connect(&server, "192.0.2.9:1");
        proxy.reply().await;
        proxy.ask("EHLO proxy").await;
        let greeting = proxy.ask(&format!("XCLIENT ADDR={named}")).await;
        if greeting.starts_with("220") {
            proxy.ask("EHLO client").await;
            proxy.ask("MAIL FROM:<>").await;
            proxy.look(5).await;
        }
        greetings.push(greeting[..3].to_owned());
    }
    assert_eq!(greetings, ["220", "421", "220"]);
    assert_eq!(connect(&server, "192.0.2.1:1").reply().await, BARRED);
}

/// Notes who was turned away.
#[derive(Debug, Clone, Default)]
struct TurnedAway(Arc<Mutex<Vec<SocketAddr>>>);

impl Observer for TurnedAway {
    fn observe(&self, event: &Event<'_>) {
        if let Event::TurnedAway(connection) = event {
            self.0.lock().unwrap().push(connection.remote_host.unwrap());
        }
    }
}

#[tokio::test]
async fn who_is_barred_is_turned_away_before_it_has_a_session_and_observers_are_told() {
    let told = TurnedAway::default();
    let limits = Limits::default()
        .with_errors_per_client(5)
        .with_refusal_delay(Duration::ZERO);
    let server = server(5)
        .with_limits(limits)
        .with_proxies(["127.0.0.0/8".parse::<Network>().unwrap()])
        .with_observers(told.clone().into());
    let running = Running::start(server).await;
    let mut greetings = Vec::new();
    for named in ["192.0.2.1", "192.0.2.1", "192.0.2.2"] {
        let mut stream = running.connect().await;
        let header = format!("PROXY TCP4 {named} 192.0.2.5 51234 25\r\n");
        stream.write_all(header.as_bytes()).await.unwrap();
        let mut client = Client(BufReader::new(stream));
        greetings.push(match client.begin().await {
            Ok(()) => client.look(5).await,
            Err(greeting) => greeting,
        });
    }
    assert_eq!(greetings, [REFUSED, BARRED, REFUSED]);
    assert_eq!(
        *told.0.lock().unwrap(),
        ["192.0.2.1:51234".parse().unwrap()]
    );
    running.stop().await;
}
