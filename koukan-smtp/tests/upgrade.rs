//! A transport that becomes another one in the middle of a session.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use koukan_smtp::{
    Server,
    server::{Connected, Timeouts, Upgrade},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex},
    sync::oneshot,
    task::JoinHandle,
    time::Instant,
};

/// A pipe, which becomes another one when that is given.
struct Transport {
    io: DuplexStream,
    next: Option<oneshot::Receiver<DuplexStream>>,
}

impl Upgrade for Transport {
    fn is_upgradable(&self) -> bool {
        self.next.is_some()
    }

    fn poll_upgrade(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let next = self.next.as_mut().ok_or(io::ErrorKind::Unsupported)?;
        let io = ready!(Pin::new(next).poll(cx));
        self.io = io.map_err(|_| io::ErrorKind::ConnectionAborted)?;
        self.next = None;
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// The client's side of a session on a transport that can be upgraded.
struct Client {
    io: DuplexStream,
    /// Gives the session its other transport.
    upgrade: Option<oneshot::Sender<DuplexStream>>,
    session: JoinHandle<()>,
    log: support::Log,
}

impl Client {
    /// Connects, and takes the greeting.
    async fn connect(timeouts: Timeouts) -> Self {
        let log = support::Log::default();
        let server = Server::new(support::service(log.clone())).with_timeouts(timeouts);
        let (io, theirs) = duplex(4096);
        let (upgrade, next) = oneshot::channel();
        let transport = Transport {
            io: theirs,
            next: Some(next),
        };
        let session = server.serve_upgradable(transport, &Connected::default());
        let mut client = Self {
            io,
            upgrade: Some(upgrade),
            session: tokio::spawn(session),
            log,
        };
        assert_eq!(client.say("").await, "220");
        client
    }

    /// Has the transport upgraded; the client has another pipe from now on.
    fn upgrade(&mut self) {
        let (io, theirs) = duplex(4096);
        self.io = io;
        self.upgrade.take().unwrap().send(theirs).unwrap();
    }

    /// Says something; returns the code of the reply.
    async fn say(&mut self, text: &str) -> String {
        self.ask(text).await[..3].to_owned()
    }

    /// Says something; returns the whole reply.
    async fn ask(&mut self, text: &str) -> String {
        self.io.write_all(text.as_bytes()).await.unwrap();
        let mut reply = String::new();
        loop {
            let mut line = String::new();
            while !line.ends_with('\n') {
                line.push(char::from(self.io.read_u8().await.unwrap()));
            }
            reply += &line;
            if line.as_bytes()[3] == b' ' {
                return reply;
            }
        }
    }

    /// What still comes until the session closes the transport.
    async fn rest(&mut self) -> String {
        let mut text = String::new();
        self.io.read_to_string(&mut text).await.unwrap();
        text
    }
}

fn offers_tls(reply: &str) -> bool {
    reply.contains("-STARTTLS\r\n")
}

#[tokio::test(start_paused = true)]
async fn a_session_goes_on_over_the_other_transport_and_knows_nothing_of_the_first() {
    let mut client = Client::connect(Timeouts::default()).await;
    assert!(offers_tls(&client.ask("EHLO client\r\n").await));
    // What somebody between has put behind it is not carried out, before the upgrade or after it.
    let injected = "STARTTLS\r\nMAIL FROM:<mallory@example.com>\r\nRCPT TO:<bob@exam";
    assert_eq!(client.say(injected).await, "220");
    client.upgrade();
    assert_eq!(client.say("MAIL FROM:<>\r\n").await, "503");
    let hello = client.ask("EHLO client\r\n").await;
    assert!(hello.starts_with("250-") && !offers_tls(&hello), "{hello}");
    assert_eq!(client.say("STARTTLS\r\n").await, "502");
    assert_eq!(client.say("MAIL FROM:<alice@example.com>\r\n").await, "250");
    assert_eq!(client.say("RCPT TO:<bob@example.com>\r\n").await, "250");
    assert_eq!(client.say("DATA\r\n").await, "354");
    assert_eq!(client.say("\r\nhello\r\n.\r\n").await, "250");
    assert_eq!(client.say("QUIT\r\n").await, "221");
    client.session.await.unwrap();
    let log = client.log.rest().join("\n");
    assert!(log.contains("alice") && !log.contains("mallory"), "{log}");
}

#[tokio::test(start_paused = true)]
async fn starttls_waits_for_the_replies_before_it_and_is_for_no_transaction() {
    let mut client = Client::connect(Timeouts::default()).await;
    assert_eq!(client.say("STARTTLS\r\n").await, "503");
    assert_eq!(client.say("EHLO client\r\n").await, "250");
    assert_eq!(client.say("STARTTLS now\r\n").await, "501");
    let slow = "MAIL FROM:<slow@example.com>\r\nSTARTTLS\r\n";
    assert_eq!(client.say(slow).await, "250");
    assert_eq!(client.say("").await, "503");
    assert_eq!(client.say("RSET\r\nSTARTTLS\r\n").await, "250");
    assert_eq!(client.say("").await, "220");
    client.upgrade();
    assert_eq!(client.say("EHLO client\r\nQUIT\r\n").await, "250");
    assert_eq!(client.say("").await, "221");
    client.session.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_that_fails_ends_the_session_without_a_word() {
    let mut client = Client::connect(Timeouts::default()).await;
    assert_eq!(client.say("EHLO client\r\n").await, "250");
    assert_eq!(client.say("STARTTLS\r\n").await, "220");
    drop(client.upgrade.take());
    assert_eq!(client.rest().await, "");
    client.session.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_that_takes_too_long_ends_the_session() {
    let command = Duration::from_secs(20);
    let mut client = Client::connect(Timeouts {
        command,
        ..Timeouts::default()
    })
    .await;
    assert_eq!(client.say("EHLO client\r\n").await, "250");
    let begun = Instant::now();
    assert_eq!(client.say("STARTTLS\r\n").await, "220");
    assert_eq!(client.rest().await, "");
    let elapsed = begun.elapsed();
    assert!(elapsed >= command && elapsed < 2 * command, "{elapsed:?}");
    client.session.await.unwrap();
}
