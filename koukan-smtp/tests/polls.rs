//! How often a call is polled for a message that is relayed.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::{
    future::{Future, poll_fn},
    io,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use async_trait::async_trait;
use koukan_core::{
    network::{BoxWire, Connector, DnsAnswer, LookupError, Resolver},
    service::MailService,
    transaction::Transaction,
};
use koukan_smtp::{Server, SmtpEndpoint, client::ClientSettings, server::Connected};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tower::{ServiceExt, service_fn};

/// A destination that takes everything.
#[derive(Debug)]
struct Destination;

#[async_trait]
impl Connector for Destination {
    async fn connect(&self, _: SocketAddr) -> io::Result<BoxWire> {
        let server = Server::new(support::service(support::Log::default()));
        let (ours, theirs) = duplex(64 << 10);
        tokio::spawn(server.serve(theirs, &Connected::default()));
        Ok(Box::new(ours))
    }
}

#[async_trait]
impl Resolver for Destination {
    async fn addresses(&self, _: &str) -> Result<DnsAnswer<IpAddr>, LookupError> {
        Ok([[192, 0, 2, 1].into()].into())
    }
}

/// Counts the polls of the calls of a service.
fn counted<S: MailService>(service: S, polls: &Arc<AtomicU32>) -> impl MailService + use<S> {
    let polls = Arc::clone(polls);
    service_fn(move |transaction: Transaction| {
        let polls = Arc::clone(&polls);
        let mut call = Box::pin(service.clone().oneshot(transaction));
        poll_fn(move |cx| {
            polls.fetch_add(1, Ordering::Relaxed);
            call.as_mut().poll(cx)
        })
    })
}

/// Says something, and takes so many replies.
async fn say(io: &mut DuplexStream, text: &str, mut replies: usize) {
    io.write_all(text.as_bytes()).await.unwrap();
    while replies > 0 {
        let mut line = String::new();
        while !line.ends_with('\n') {
            line.push(char::from(io.read_u8().await.unwrap()));
        }
        assert!(line.starts_with(['2', '3']), "{line}");
        replies -= usize::from(line.as_bytes()[3] == b' ');
    }
}

/// The polls of the call for each of three messages on one connection, which is kept on the other
/// side, too.
async fn polls(steps: &[(&str, usize)]) -> Vec<u32> {
    let settings = ClientSettings::new("me.example").unwrap();
    let settings = settings.with_hosts(["mx.example:25".parse().unwrap()]);
    let endpoint =
        SmtpEndpoint::with_network(settings, Arc::new(Destination), Arc::new(Destination));
    let count = Arc::new(AtomicU32::new(0));
    let server = Server::new(counted(endpoint, &count));
    let (mut client, theirs) = duplex(64 << 10);
    let session = tokio::spawn(server.serve(theirs, &Connected::default()));
    say(&mut client, "", 1).await;
    say(&mut client, "EHLO client\r\n", 1).await;
    let mut polls = Vec::new();
    for _ in 0..3 {
        for (text, replies) in steps {
            say(&mut client, text, *replies).await;
        }
        polls.push(count.swap(0, Ordering::Relaxed));
    }
    say(&mut client, "QUIT\r\n", 1).await;
    session.await.unwrap();
    polls
}

const MAIL: &str = "MAIL FROM:<alice@example.com>\r\n";
const RCPT: &str = "RCPT TO:<bob@example.com>\r\n";
const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n.\r\n";

#[tokio::test(start_paused = true)]
async fn a_call_is_polled_when_it_can_go_on_and_not_when_the_client_says_something_else() {
    let envelope = [MAIL, RCPT, "DATA\r\n"].concat();
    let by_turns = [(MAIL, 1), (RCPT, 1), ("DATA\r\n", 1), (MESSAGE, 1)];
    let pipelined = [(envelope.as_str(), 3), (MESSAGE, 1)];
    let with_noops = [
        (MAIL, 1),
        ("NOOP\r\n", 1),
        (RCPT, 1),
        ("NOOP\r\n", 1),
        ("VRFY bob\r\n", 1),
        ("DATA\r\n", 1),
        (MESSAGE, 1),
    ];
    let [by_turns, pipelined, with_noops] = [
        polls(&by_turns).await,
        polls(&pipelined).await,
        polls(&with_noops).await,
    ];
    let most = |polls: &[u32]| polls.iter().copied().max();
    assert!(most(&by_turns[1..]) <= Some(7), "{by_turns:?}");
    assert!(most(&pipelined[1..]) <= Some(7), "{pipelined:?}");
    assert_eq!(with_noops, by_turns);
}
