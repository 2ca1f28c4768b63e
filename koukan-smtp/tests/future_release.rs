//! FUTURERELEASE (RFC 4865): who has authenticated himself may have messages held.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use koukan_core::{blocking::BlockingPool, test_util::ManualClock};
use koukan_smtp::{
    Server,
    sasl::{ClientExchange, Credentials, Mechanism, encode, scram::Verifier},
    server::{Connected, MakeMailService, PasswordFile},
};
use tokio::io::{AsyncWriteExt, DuplexStream};

use support::{Log, reply_from, service};

struct Client(DuplexStream);

impl Client {
    /// One on this host, which was greeted.
    async fn greeted(server: &Server<impl MakeMailService>) -> Self {
        let remote: SocketAddr = "127.0.0.1:5".parse().unwrap();
        let connected = Connected {
            remote_host: Some(remote),
            ..Connected::default()
        };
        Self::greeted_as(server, &connected).await
    }

    async fn greeted_as(server: &Server<impl MakeMailService>, connected: &Connected) -> Self {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        tokio::spawn(server.serve(theirs, connected));
        let mut client = Self(ours);
        reply_from(&mut client.0).await;
        client
    }

    async fn ask(&mut self, line: &str) -> String {
        self.0.write_all(line.as_bytes()).await.unwrap();
        self.0.write_all(b"\r\n").await.unwrap();
        reply_from(&mut self.0).await.trim_end().to_owned()
    }

    async fn authenticate(&mut self) {
        let credentials = Credentials::new("alice", "pencil");
        let (_, first) = ClientExchange::begin(Mechanism::Plain, &credentials).unwrap();
        let command = format!("AUTH PLAIN {}", encode(first.unwrap()));
        let reply = self.ask(&command).await;
        assert!(reply.starts_with("235 "), "{reply}");
    }

    async fn mail(&mut self, parameters: &str) -> String {
        self.ask(&format!("MAIL FROM:<alice@example.com> {parameters}"))
            .await
    }
}

fn server(log: &Log) -> Server<impl MakeMailService> {
    let verifier = Verifier::new("pencil", 4096).unwrap();
    let entries = format!("alice:{verifier}").parse().unwrap();
    let users = PasswordFile::new(entries, BlockingPool::default()).unwrap();
    Server::new(service(log.clone())).with_authenticator(users)
}

fn holding(log: &Log) -> Server<impl MakeMailService> {
    let clock = Arc::new(ManualClock::default());
    server(log).with_future_release(Duration::from_secs(3600), clock)
}

/// What is told to a client that may have messages held for an hour.
fn told() -> String {
    use koukan_core::{clock::Clock, transaction::future_release::FutureRelease};
    let now = ManualClock::default().now();
    let told = FutureRelease::of(now, Duration::from_secs(3600)).to_string();
    assert!(
        told.starts_with("FUTURERELEASE 3600 20") && told.ends_with('Z'),
        "{told}"
    );
    told
}

#[tokio::test(start_paused = true)]
async fn it_is_offered_with_its_limits_to_those_who_can_authenticate_themselves() {
    let log = Log::default();
    let mut client = Client::greeted(&holding(&log)).await;
    let offer = client.ask("EHLO me").await;
    assert!(offer.contains(&format!("250-{}\r\n", told())), "{offer}");
    let without = Server::new(service(log.clone()));
    let clock = Arc::new(ManualClock::default());
    let without = without.with_future_release(Duration::from_secs(3600), clock);
    for server in [&without] {
        let mut client = Client::greeted(server).await;
        let offer = client.ask("EHLO me").await;
        assert!(!offer.contains("FUTURERELEASE"), "{offer}");
        assert_eq!(&client.mail("HOLDFOR=60").await[..9], "555 5.5.4");
    }
    let mut client = Client::greeted(&server(&log)).await;
    let offer = client.ask("EHLO me").await;
    assert!(!offer.contains("FUTURERELEASE"), "{offer}");
    client.authenticate().await;
    assert_eq!(&client.mail("HOLDFOR=60").await[..9], "555 5.5.4");
}

#[tokio::test(start_paused = true)]
async fn who_has_not_said_who_he_is_has_nothing_held() {
    let log = Log::default();
    let mut client = Client::greeted(&holding(&log)).await;
    client.ask("EHLO me").await;
    assert_eq!(&client.mail("HOLDFOR=60").await[..9], "530 5.7.0");
    assert_eq!(&client.mail("SIZE=10").await[..3], "250");
}

/// By a certificate, or by what a proxy says; nobody can authenticate himself where passwords would cross
/// the network in clear.
#[tokio::test(start_paused = true)]
async fn whoever_is_known_otherwise_may_have_messages_held() {
    let log = Log::default();
    let remote: SocketAddr = "192.0.2.9:5".parse().unwrap();
    let known = |identity: Option<&str>| Connected {
        remote_host: Some(remote),
        identity: identity.map(Into::into),
        ..Connected::default()
    };
    let server = holding(&log).with_xclients(["192.0.2.9".parse().unwrap()]);
    let mut by_certificate = Client::greeted_as(&server, &known(Some("alice"))).await;
    let mut by_proxy = Client::greeted_as(&server, &known(None)).await;
    let offer = by_proxy.ask("EHLO proxy").await;
    assert!(!offer.contains("FUTURERELEASE"), "{offer}");
    assert_eq!(&by_proxy.mail("HOLDFOR=60").await[..9], "555 5.5.4");
    let named = "XCLIENT ADDR=198.51.100.7 LOGIN=alice";
    assert_eq!(&by_proxy.ask(named).await[..3], "220");
    for client in [&mut by_certificate, &mut by_proxy] {
        let offer = client.ask("EHLO me").await;
        assert!(offer.contains(&format!("250-{}\r\n", told())), "{offer}");
        assert_eq!(&client.mail("HOLDFOR=60").await[..3], "250");
    }
}

#[tokio::test(start_paused = true)]
async fn the_message_goes_on_with_the_time_at_which_it_is_released() {
    let log = Log::default();
    let mut client = Client::greeted(&holding(&log)).await;
    client.ask("EHLO me").await;
    client.authenticate().await;
    let told = told();
    let latest = told.rsplit(' ').next().unwrap();
    for parameter in ["HOLDFOR=3600".to_owned(), format!("HOLDUNTIL={latest}")] {
        assert_eq!(&client.mail(&parameter).await[..3], "250", "{parameter}");
        let mail = log.next().await;
        let day = &latest[..10];
        assert!(mail.contains("HOLDUNTIL") && mail.contains(day), "{mail}");
        assert!(!mail.contains("HOLDFOR"), "{mail}");
        client.ask("RSET").await;
        assert_eq!(log.next().await, "aborted");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_or_too_long_is_refused() {
    let log = Log::default();
    let mut client = Client::greeted(&holding(&log)).await;
    client.ask("EHLO me").await;
    client.authenticate().await;
    for parameters in [
        "HOLDFOR=3601",
        "HOLDFOR=0",
        "HOLDFOR",
        "HOLDFOR=x",
        "HOLDUNTIL=9000-01-01T00:00:00Z",
        "HOLDUNTIL=tomorrow",
        "HOLDFOR=60 HOLDUNTIL=2030-01-01T00:00:00Z",
    ] {
        let reply = client.mail(parameters).await;
        assert_eq!(&reply[..9], "501 5.5.4", "{parameters} {reply}");
    }
    assert!(log.rest().is_empty());
    assert_eq!(
        &client.mail("HOLDUNTIL=2000-01-01T00:00:00Z").await[..3],
        "250"
    );
}
