//! AUTH, with clients that know the mechanisms.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod shared_address;
mod turns;

#[path = "../support/mod.rs"]
mod support;

use std::{net::SocketAddr, sync::Arc};

use koukan_core::{
    blocking::BlockingPool, context::Context, reply::Reply, test_util::Authority,
    transaction::Transaction,
};
use koukan_smtp::{
    Server,
    sasl::{
        Answer, Claim, ClientExchange, Credentials, Mechanism, Mechanisms, decode, encode,
        scram::Verifier,
    },
    server::{
        Authenticator, Connected, Greeting, Introduction, Limits, MakeMailService, PasswordFile,
        Step, Unavailable,
    },
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    sync::Notify,
};
use tower::{BoxError, service_fn};

use support::reply_from;

/// A server whose refusal of MAIL names the client's identity.
fn tells_identity() -> Server<impl MakeMailService> {
    Server::new(service_fn(|tx: Transaction| async move {
        let identity = tx.context.identity.as_deref().unwrap_or("nobody");
        Ok::<_, BoxError>(Reply::policy_refused().with_text(format!("{identity} it is")))
    }))
}

fn alice() -> PasswordFile {
    let verifier = Verifier::new("pencil", 4096).unwrap();
    let entries = format!("alice:{verifier}").parse().unwrap();
    PasswordFile::new(entries, BlockingPool::default()).unwrap()
}

struct Client<IO>(IO);

impl<IO: AsyncRead + AsyncWrite + Unpin> Client<IO> {
    async fn ask(&mut self, line: &str) -> String {
        self.0.write_all(line.as_bytes()).await.unwrap();
        self.0.write_all(b"\r\n").await.unwrap();
        self.0.flush().await.unwrap();
        reply_from(&mut self.0).await.trim_end().to_owned()
    }

    /// Runs AUTH as this user and returns the final reply.
    async fn auth(&mut self, mechanism: Mechanism, user: &str, secret: &str) -> String {
        let credentials = Credentials::new(user, secret);
        let (mut exchange, first) = ClientExchange::begin(mechanism, &credentials).unwrap();
        let first = first.map_or(String::new(), |first| format!(" {}", encode(first)));
        let command = format!("AUTH {}{first}", mechanism.name());
        let mut reply = self.ask(&command).await;
        while let Some(challenge) = reply.strip_prefix("334 ") {
            let response = exchange.respond(&decode(challenge).unwrap());
            let line = response.map_or("AQ==".to_owned(), encode);
            reply = self.ask(&line).await;
        }
        assert!(!reply.starts_with("235 ") || exchange.is_satisfied());
        reply
    }

    async fn who(&mut self) -> String {
        let reply = self.ask("MAIL FROM:<a@example.com>").await;
        reply.trim_start_matches("550 5.7.1 ").to_owned()
    }
}

fn connected(address: &str) -> Connected {
    let remote: SocketAddr = address.parse().unwrap();
    Connected {
        remote_host: Some(remote),
        ..Connected::default()
    }
}

/// A client after the greeting and EHLO, and the extensions that it was offered.
async fn connect<M: MakeMailService>(
    server: &Server<M>,
    connected: &Connected,
) -> (Client<tokio::io::DuplexStream>, String) {
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    tokio::spawn(server.serve(theirs, connected));
    let mut client = Client(ours);
    reply_from(&mut client.0).await;
    let offer = client.ask("EHLO me").await;
    (client, offer)
}

const HERE: &str = "127.0.0.1:5";
const ELSEWHERE: &str = "192.0.2.1:5";

#[tokio::test(start_paused = true)]
async fn a_client_is_known_by_each_mechanism_and_its_transactions_are_told() {
    let server = tells_identity().with_authenticator(alice());
    for mechanism in Mechanisms::of_passwords().iter() {
        let (mut client, offer) = connect(&server, &connected(HERE)).await;
        assert!(
            offer.contains("250-AUTH SCRAM-SHA-256 PLAIN LOGIN"),
            "{offer}"
        );
        assert_eq!(client.who().await, "nobody it is");
        for (user, secret) in [("alice", "pen"), ("bob", "pencil")] {
            let refused = client.auth(mechanism, user, secret).await;
            assert_eq!(refused, "535 5.7.8 authentication failed", "{mechanism:?}");
        }
        assert_eq!(client.who().await, "nobody it is");
        let accepted = client.auth(mechanism, "alice", "pencil").await;
        assert_eq!(accepted, "235 2.7.0 authentication succeeded");
        assert_eq!(client.who().await, "alice it is");
        // After another EHLO the client keeps its identity, and cannot take another one.
        client.ask("EHLO me").await;
        assert_eq!(client.who().await, "alice it is");
        let again = client.auth(mechanism, "alice", "pencil").await;
        assert!(again.starts_with("503 "), "{again}");
    }
}

#[tokio::test]
async fn elsewhere_passwords_do_not_cross_the_network_in_clear() {
    let server = tells_identity().with_authenticator(alice());
    let (mut client, offer) = connect(&server, &connected(ELSEWHERE)).await;
    assert!(!offer.contains("AUTH"), "{offer}");
    let refused = client.auth(Mechanism::Plain, "alice", "pencil").await;
    assert!(refused.starts_with("502 "), "{refused}");
    let (_, offer) = connect(&server.with_auth_in_clear(), &connected(ELSEWHERE)).await;
    assert!(offer.contains("AUTH"), "{offer}");
}

#[tokio::test]
async fn over_tls_a_client_is_known_until_tls_begins_anew() {
    let authority = Authority::new();
    // The network of a proxy, so that the client has an address that is not a loopback one.
    let server = tells_identity()
        .with_authenticator(alice())
        .with_starttls(authority.server("mx.example"))
        .with_proxies(["127.0.0.0/8".parse().unwrap()])
        .with_auth_required();
    let running = support::running::Running::start(server).await;
    let mut client = Client(running.connect().await);
    let proxy = b"PROXY TCP4 192.0.2.1 192.0.2.2 5 25\r\n";
    client.0.write_all(proxy).await.unwrap();
    reply_from(&mut client.0).await;
    let offer = client.ask("EHLO me").await;
    assert!(!offer.contains("AUTH"), "{offer}");
    let refused = client.ask("AUTH PLAIN AGFsaWNlAHBlbmNpbA==").await;
    assert!(refused.starts_with("538 5.7.11 "), "{refused}");
    let refused = client.ask("MAIL FROM:<a@example.com>").await;
    assert!(refused.starts_with("530 5.7.0 "), "{refused}");
    client.ask("STARTTLS").await;
    let secured = authority.client().connect("mx.example", client.0).await;
    let mut client = Client(secured.unwrap().0);
    let offer = client.ask("EHLO me").await;
    assert!(offer.contains("AUTH SCRAM-SHA-256 PLAIN LOGIN"), "{offer}");
    let refused = client.ask("MAIL FROM:<a@example.com>").await;
    assert!(refused.starts_with("530 5.7.0 "), "{refused}");
    let accepted = client.auth(Mechanism::ScramSha256, "alice", "pencil").await;
    assert!(accepted.starts_with("235 "), "{accepted}");
    assert_eq!(client.who().await, "alice it is");
    drop(client);
    running.stop().await;
}

/// Knows one token and its user. Asked about another token, it is unavailable.
#[derive(Debug)]
struct Tokens;

#[async_trait::async_trait]
impl Authenticator for Tokens {
    fn mechanisms(&self) -> Mechanisms {
        [Mechanism::OAuthBearer].into_iter().collect()
    }

    async fn ask(&self, claim: Claim) -> Result<Answer, Unavailable> {
        let Claim::Token { token, .. } = claim else {
            return Ok(Answer::Refused);
        };
        match token.reveal() {
            "good" => Ok(Answer::Accepted("robot".into())),
            "bad" => Ok(Answer::Refused),
            _ => Err(Unavailable("no".into())),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_has_a_token_is_who_it_says() {
    let server = tells_identity().with_authenticator(Tokens);
    let (mut client, offer) = connect(&server, &connected(HERE)).await;
    assert!(offer.contains("250-AUTH OAUTHBEARER\r\n"), "{offer}");
    let mut auth = async |token| client.auth(Mechanism::OAuthBearer, "x", token).await;
    assert!(auth("bad").await.starts_with("535 5.7.8 "));
    assert!(
        auth("else")
            .await
            .starts_with("454 4.7.0 cannot authenticate just now, try again later")
    );
    assert!(auth("good").await.starts_with("235 2.7.0 "));
    assert_eq!(client.who().await, "robot it is");
}

#[tokio::test]
async fn the_greeter_may_turn_a_user_away() {
    let greeter = service_fn(|client: Introduction| async move {
        let is_unwelcome = client.step == Step::Authenticated
            && client.context.identity.as_deref() == Some("alice");
        Ok::<_, BoxError>(match is_unwelcome {
            true => Greeting::Refused(Reply::policy_refused()),
            false => client.welcome(),
        })
    });
    let server = tells_identity()
        .with_authenticator(alice())
        .with_greeter(greeter);
    let (mut client, _) = connect(&server, &connected(HERE)).await;
    let refused = client.auth(Mechanism::Plain, "alice", "pencil").await;
    assert_eq!(refused, "550 5.7.1 refused by policy");
    assert_eq!(client.who().await, "nobody it is");
}

#[tokio::test]
async fn users_have_a_service_of_their_own() {
    let make = |client: &Context| {
        let (name, text) = match &client.identity {
            Some(_) => ("submission", "for users"),
            None => ("ingress", "for others"),
        };
        let service = service_fn(move |tx: Transaction| async move {
            let text = format!("{text} on behalf of {}", tx.context.sender);
            Ok::<_, BoxError>(Reply::policy_refused().with_text(text))
        });
        (koukan_core::context::Sender::new(name), service)
    };
    let server = Server::with_make(make).with_authenticator(alice());
    let (mut client, _) = connect(&server, &connected(HERE)).await;
    assert_eq!(client.who().await, "for others on behalf of ingress");
    client.auth(Mechanism::Login, "alice", "pencil").await;
    assert_eq!(client.who().await, "for users on behalf of submission");
}

/// Never answers its one question, and notifies when it is asked.
#[derive(Debug, Clone, Default)]
struct Hangs(Arc<Notify>);

#[async_trait::async_trait]
impl Authenticator for Hangs {
    fn mechanisms(&self) -> Mechanisms {
        Mechanisms::of_passwords()
    }

    fn questions_max(&self) -> u64 {
        1
    }

    async fn ask(&self, _: Claim) -> Result<Answer, Unavailable> {
        self.0.notify_one();
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn an_authenticator_that_hangs_holds_up_nobody_for_ever() {
    let hangs = Hangs::default();
    let asked = Arc::clone(&hangs.0);
    let server = tells_identity().with_authenticator(hangs);
    let (mut client, _) = connect(&server, &connected(HERE)).await;
    let begun = tokio::time::Instant::now();
    let late = client.auth(Mechanism::Plain, "alice", "pencil").await;
    assert!(
        late.starts_with("454 4.7.0 cannot authenticate just now, try again later"),
        "{late}"
    );
    assert_eq!(begun.elapsed().as_secs(), 60);
    assert_eq!(client.who().await, "nobody it is");
    // If the client leaves meanwhile, the server does not wait for the answer.
    asked.notified().await;
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let session = tokio::spawn(server.serve(theirs, &connected(HERE)));
    let mut client = Client(ours);
    reply_from(&mut client.0).await;
    client.ask("EHLO me").await;
    client
        .0
        .write_all(b"AUTH PLAIN AGEAYg==\r\n")
        .await
        .unwrap();
    asked.notified().await;
    drop(client);
    session.await.unwrap();
}

/// A token is refused before the exchange is over. Who then cancels it, or sends nonsense, has guessed all the same.
#[tokio::test(start_paused = true)]
async fn a_guess_counts_however_the_client_ends_the_exchange() {
    let limits = Limits::default().with_failed_authentications(3);
    let server = tells_identity()
        .with_authenticator(Tokens)
        .with_limits(limits);
    let (mut client, _) = connect(&server, &connected(HERE)).await;
    let credentials = Credentials::new("x", "bad");
    let (_, first) = ClientExchange::begin(Mechanism::OAuthBearer, &credentials).unwrap();
    let guess = format!("AUTH OAUTHBEARER {}", encode(first.unwrap()));
    let begun = tokio::time::Instant::now();
    for (end, expected) in [
        ("*", "501 5.7.0 "),
        ("!", "501 5.5.2 "),
        ("AQ==", "535 5.7.8 "),
    ] {
        let challenge = client.ask(&guess).await;
        assert!(challenge.starts_with("334 "), "{challenge}");
        let reply = client.ask(end).await;
        assert!(reply.starts_with(expected), "{reply}");
    }
    assert_eq!(begun.elapsed().as_secs(), 1 + 2 + 3);
    let reply = client.ask(&guess).await;
    assert!(reply.starts_with("421 4.7.0 "), "{reply}");
}
