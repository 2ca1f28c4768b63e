//! A transport that becomes another one in the middle of a session.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::{
    future::ready as at_once,
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, ready},
    time::Duration,
};

use koukan_core::{
    context::{self, Sender, Tls},
    reply::Reply,
    service::BoxMailService,
    transaction::Transaction,
};
use koukan_smtp::{
    Server,
    server::{
        Connected, Greeter, Introduction, MakeMailService, ServerTimeouts, Step, Upgrade, Upgraded,
    },
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex},
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, sleep},
};
use tower::{BoxError, service_fn};

/// A pipe, which becomes another one when that is given.
struct Transport {
    io: DuplexStream,
    next: Option<oneshot::Receiver<(DuplexStream, Upgraded)>>,
}

impl Upgrade for Transport {
    fn is_upgradable(&self) -> bool {
        self.next.is_some()
    }

    fn poll_upgrade(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Upgraded>> {
        let next = self.next.as_mut().ok_or(io::ErrorKind::Unsupported)?;
        let next = ready!(Pin::new(next).poll(cx));
        let (io, upgraded) = next.map_err(|_| io::ErrorKind::ConnectionAborted)?;
        self.io = io;
        self.next = None;
        Poll::Ready(Ok(upgraded))
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
    upgrade: Option<oneshot::Sender<(DuplexStream, Upgraded)>>,
    session: JoinHandle<()>,
    log: support::Log,
}

impl Client {
    /// Connects, and takes the greeting.
    async fn connect(timeouts: ServerTimeouts) -> Self {
        let log = support::Log::default();
        let server = Server::new(support::service(log.clone())).with_timeouts(timeouts);
        Self::connect_to(&server, log).await
    }

    async fn connect_to<M: MakeMailService>(server: &Server<M>, log: support::Log) -> Self {
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
        self.upgrade_to(Upgraded::default());
    }

    /// The same, with what the other transport tells of the client.
    fn upgrade_to(&mut self, upgraded: Upgraded) {
        let (io, theirs) = duplex(4096);
        self.io = io;
        let next = (theirs, upgraded);
        self.upgrade.take().unwrap().send(next).ok().unwrap();
    }

    /// Says something; returns the code of the reply.
    async fn say(&mut self, text: &str) -> String {
        self.ask(text).await[..3].to_owned()
    }

    /// Says something; returns the whole reply.
    async fn ask(&mut self, text: &str) -> String {
        self.io.write_all(text.as_bytes()).await.unwrap();
        support::reply_from(&mut self.io).await
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
    let mut client = Client::connect(ServerTimeouts::default()).await;
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
    let mut client = Client::connect(ServerTimeouts::default()).await;
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
    let mut client = Client::connect(ServerTimeouts::default()).await;
    assert_eq!(client.say("EHLO client\r\n").await, "250");
    assert_eq!(client.say("STARTTLS\r\n").await, "220");
    drop(client.upgrade.take());
    assert_eq!(client.rest().await, "");
    client.session.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_that_takes_too_long_ends_the_session() {
    let command = Duration::from_secs(20);
    let mut client = Client::connect(ServerTimeouts::default().with_command(command)).await;
    assert_eq!(client.say("EHLO client\r\n").await, "250");
    let begun = Instant::now();
    assert_eq!(client.say("STARTTLS\r\n").await, "220");
    assert_eq!(client.rest().await, "");
    let elapsed = begun.elapsed();
    assert!(elapsed >= command && elapsed < 2 * command, "{elapsed:?}");
    client.session.await.unwrap();
}

fn tls() -> Upgraded {
    Upgraded::to_tls(Tls {
        version: "TLSv1.3".into(),
        cipher: "TLS_AES_128_GCM_SHA256".into(),
        client: None,
    })
}

/// Says who submits and who the client is, as transactions know it.
fn who(tx: &Transaction) -> Reply {
    let context = &tx.context;
    let version = context.tls.as_ref().map(|tls| &*tls.version);
    let identity = context.identity.as_deref();
    let text = format!("{} {version:?} {identity:?}", context.sender);
    Reply::policy_refused().with_text(text)
}

/// One chain for those who are known, and one for all others; built before anybody connects.
fn chosen_by_identity() -> impl MakeMailService {
    let chain = |name: &'static str| {
        let answer = move |tx: Transaction| {
            let reply = who(&tx);
            let text = format!("{name}: {}", reply.text());
            at_once(Ok::<_, BoxError>(reply.with_text(text)))
        };
        (Sender::new(name), BoxMailService::new(service_fn(answer)))
    };
    let (users, others) = (chain("users"), chain("others"));
    move |client: &context::Context| match client.identity {
        Some(_) => users.clone(),
        None => others.clone(),
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_known_since_the_upgrade_chooses_the_service_and_goes_with_the_transaction() {
    let server = Server::with_make(chosen_by_identity());
    let mut client = Client::connect_to(&server, support::Log::default()).await;
    let mail = "MAIL FROM:<alice@example.com>\r\n";
    client.ask("EHLO client\r\n").await;
    let told = client.ask(mail).await;
    assert_eq!(told, "550 5.7.1 others: others None None\r\n");
    assert_eq!(client.say("STARTTLS\r\n").await, "220");
    client.upgrade_to(tls().with_identity("alice"));
    client.ask("EHLO client\r\n").await;
    let expected = "550 5.7.1 users: users Some(\"TLSv1.3\") Some(\"alice\")\r\n";
    // The same for each transaction.
    assert_eq!(client.ask(mail).await, expected);
    assert_eq!(client.ask(mail).await, expected);
}

/// A greeter that notes what it is asked, offers what fits, and refuses clients that came without
/// a certificate.
fn strict(asked: &Arc<Mutex<Vec<String>>>, refusal: Reply) -> impl Greeter {
    let asked = Arc::clone(asked);
    service_fn(move |mut client: Introduction| {
        let context = &client.context;
        let name = context.client_name.as_ref().map(|name| &*name.name);
        let known = (context.tls.is_some(), context.identity.as_deref());
        let line = format!(
            "{:?} {name:?} {known:?} {}",
            client.step, client.offer.starttls
        );
        asked.lock().unwrap().push(line);
        let is_refused = client.step == Step::Upgraded && context.identity.is_none();
        if context.tls.is_some() {
            client.offer.others.push("X-SECURE".parse().unwrap());
        }
        let refusal = refusal.clone();
        async move {
            if client.step == Step::Upgraded {
                sleep(Duration::from_secs(5)).await;
            }
            Ok::<_, BoxError>(match is_refused {
                true => refusal.into(),
                false => client.welcome(),
            })
        }
    })
}

#[tokio::test(start_paused = true)]
async fn the_greeter_is_asked_again_after_the_upgrade() {
    let asked = Arc::default();
    let log = support::Log::default();
    let server = Server::new(support::service(log.clone()))
        .with_greeter(strict(&asked, Reply::policy_refused()));
    let mut client = Client::connect_to(&server, log).await;
    assert!(offers_tls(&client.ask("EHLO one\r\n").await));
    assert_eq!(client.say("STARTTLS\r\n").await, "220");
    client.upgrade_to(tls().with_identity("alice"));
    // It takes its time; what is said meanwhile is carried out then.
    let begun = Instant::now();
    let hello = client.ask("EHLO two\r\nQUIT\r\n").await;
    assert!(!offers_tls(&hello) && hello.contains("X-SECURE"), "{hello}");
    assert_eq!(begun.elapsed(), Duration::from_secs(5));
    assert_eq!(client.say("").await, "221");
    client.session.await.unwrap();
    let expected = [
        "Connected None (false, None) true",
        "Hello Some(\"one\") (false, None) true",
        "Upgraded None (true, Some(\"alice\")) false",
        "Hello Some(\"two\") (true, Some(\"alice\")) false",
    ];
    assert_eq!(*asked.lock().unwrap(), expected);
}

/// RFC 3207 section 4.1.
#[tokio::test(start_paused = true)]
async fn a_client_that_is_refused_after_the_upgrade_may_only_say_quit() {
    let asked = Arc::default();
    let log = support::Log::default();
    let insecure = Reply::policy_refused().with_text("show a certificate");
    let server = Server::new(support::service(log.clone())).with_greeter(strict(&asked, insecure));
    let mut client = Client::connect_to(&server, log).await;
    assert_eq!(client.say("EHLO one\r\n").await, "250");
    assert_eq!(client.say("STARTTLS\r\n").await, "220");
    client.upgrade_to(tls());
    for said in [
        "EHLO two\r\n",
        "MAIL FROM:<alice@example.com>\r\n",
        "NOOP\r\n",
    ] {
        assert_eq!(
            client.ask(said).await,
            "550 show a certificate\r\n",
            "{said}"
        );
    }
    assert_eq!(client.say("QUIT\r\n").await, "221");
    client.session.await.unwrap();
    assert_eq!(client.log.rest(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_with_421_after_the_upgrade_closes_the_connection() {
    let asked = Arc::default();
    let log = support::Log::default();
    let server = Server::new(support::service(log.clone()))
        .with_greeter(strict(&asked, Reply::service_closing()));
    let mut client = Client::connect_to(&server, log).await;
    assert_eq!(client.say("EHLO one\r\n").await, "250");
    assert_eq!(client.say("STARTTLS\r\n").await, "220");
    client.upgrade_to(tls());
    assert!(client.rest().await.starts_with("421 "));
    client.session.await.unwrap();
}
