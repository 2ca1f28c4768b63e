//! The client says who it is, to our own server.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use koukan_core::{
    blocking::BlockingPool,
    reply::Reply,
    test_util::{Authority, ScriptedConnector, mail, rcpt, send},
    transaction::Transaction,
};
use koukan_smtp::{
    Server,
    client::{ClientSettings, Login, SmtpEndpoint, TlsPolicy},
    sasl::{Answer, Claim, Mechanism, Mechanisms, scram::Verifier},
    server::{Authenticator, MakeMailService, PasswordFile, Unavailable},
};
use std::sync::Arc;
use tower::{BoxError, service_fn};

use support::running::Running;

/// Says at the end who has sent the message.
fn tells_identity() -> Server<impl MakeMailService> {
    let service = service_fn(|mut tx: Transaction| async move {
        tx.mail.answer(Reply::sender_ok());
        while let Some(rcpt) = tx.recipients.next().await? {
            rcpt.answer(Reply::recipient_ok());
        }
        while tx.body.next().await?.is_some() {}
        let identity = tx.context.identity.as_deref().unwrap_or("nobody");
        let text = format!("from {identity}");
        Ok::<_, BoxError>(Reply::message_accepted().with_text(text))
    });
    Server::new(service).with_limits(
        koukan_smtp::server::Limits::default().with_authentication_delay(std::time::Duration::ZERO),
    )
}

/// Knows alice by a password or by a token, and offers what it is told to.
#[derive(Debug)]
struct Alice(PasswordFile, Mechanisms);

impl Alice {
    fn offering(mechanisms: &[Mechanism]) -> Self {
        let verifier = Verifier::new("pencil", 4096).unwrap();
        let entries = format!("alice:{verifier}").parse().unwrap();
        let file = PasswordFile::new(entries, BlockingPool::default()).unwrap();
        Self(file, mechanisms.iter().copied().collect())
    }
}

#[async_trait::async_trait]
impl Authenticator for Alice {
    fn mechanisms(&self) -> Mechanisms {
        self.1
    }

    async fn ask(&self, claim: Claim) -> Result<Answer, Unavailable> {
        match claim {
            Claim::Token { token, .. } if token.reveal().starts_with("token") => {
                Ok(Answer::Accepted("alice".into()))
            }
            Claim::Token { .. } => Ok(Answer::Refused),
            other => self.0.ask(other).await,
        }
    }
}

fn settings(host: &str, login: &Login) -> ClientSettings {
    let settings = ClientSettings::new("me.example").unwrap();
    let settings = settings.with_hosts([host.parse().unwrap()]);
    settings.with_login(login.clone())
}

/// What becomes of a message.
async fn outcome(endpoint: &SmtpEndpoint) -> String {
    let to = [rcpt("bob@mx.example")];
    let body = "a: b\r\n\r\nhi\r\n";
    let outcome = send(endpoint.clone(), mail("a@me.example"), to, body).await;
    outcome.verdict(0).to_string()
}

#[tokio::test]
async fn each_mechanism_shows_who_we_are_and_what_is_refused_is_deferred() {
    let password = Login::with_password("alice", "pencil");
    let wrong = Login::with_password("alice", "pen");
    let token = Login::with_token("alice", "token");
    // Longer than a command line may be.
    let long = Login::with_token("alice", format!("token{}", "x".repeat(2000)));
    let bad = Login::with_token("alice", "bad");
    let known = "from alice";
    for (mechanism, login, expected) in [
        (Mechanism::ScramSha256, &password, known),
        (Mechanism::Plain, &password, known),
        (Mechanism::Login, &password, known),
        (Mechanism::OAuthBearer, &token, known),
        (Mechanism::OAuthBearer, &long, known),
        (Mechanism::ScramSha256, &wrong, "451 4.7.8"),
        (Mechanism::Plain, &wrong, "451 4.7.8"),
        (Mechanism::Login, &wrong, "451 4.7.8"),
        (Mechanism::OAuthBearer, &bad, "451 4.7.8"),
        (Mechanism::OAuthBearer, &password, "451 4.7.8"),
    ] {
        let server = tells_identity().with_authenticator(Alice::offering(&[mechanism]));
        let running = Running::start(server).await;
        let endpoint = SmtpEndpoint::new(settings(&running.address.to_string(), login));
        // The second on the connection that is kept, or again; the host is not down for it.
        for _ in 0..3 {
            let outcome = outcome(&endpoint).await;
            assert!(outcome.contains(expected), "{mechanism:?}: {outcome}");
        }
        endpoint.close().await;
        running.stop().await;
    }
}

#[tokio::test]
async fn a_token_that_is_replaced_is_used_from_then_on() {
    let server = tells_identity().with_authenticator(Alice::offering(&[Mechanism::OAuthBearer]));
    let running = Running::start(server).await;
    let login = Login::with_token("alice", "old");
    let endpoint = SmtpEndpoint::new(settings(&running.address.to_string(), &login));
    assert!(outcome(&endpoint).await.contains("451 4.7.8"));
    login.replace("token");
    assert!(outcome(&endpoint).await.contains("from alice"));
    endpoint.close().await;
    running.stop().await;
}

/// The server is not on this machine as far as the client can tell.
#[tokio::test]
async fn passwords_cross_the_network_over_tls_alone() {
    let authority = Authority::new();
    let server = || {
        let alice = Alice::offering(&[Mechanism::Plain]);
        tells_identity()
            .with_authenticator(alice)
            .with_auth_in_clear()
    };
    let clear = Running::start(server()).await;
    let secure = Running::start(server().with_starttls(authority.server("192.0.2.1"))).await;
    let immediate = server().with_immediate_tls(authority.server("192.0.2.1"));
    let immediate = Running::start(immediate).await;
    let login = Login::with_password("alice", "pencil");
    let opportunistic = || TlsPolicy::Opportunistic(authority.client());
    let at_once = TlsPolicy::Immediate(authority.client());
    for (running, login, policy, expected) in [
        (&clear, login.clone(), opportunistic(), "451 4.7.4"),
        (
            &clear,
            login.clone().in_clear(),
            opportunistic(),
            "from alice",
        ),
        (&secure, login.clone(), opportunistic(), "from alice"),
        (&immediate, login, at_once, "from alice"),
    ] {
        let address = running.address;
        let connector = ScriptedConnector::new(move |_, mut io| {
            tokio::spawn(async move {
                let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut io, &mut stream).await;
            });
        });
        let settings = settings("192.0.2.1:25", &login).with_tls(policy);
        let resolver = koukan_core::test_util::ScriptedResolver::new();
        let endpoint =
            SmtpEndpoint::with_network(settings, Arc::new(connector), Arc::new(resolver));
        let outcome = outcome(&endpoint).await;
        assert!(outcome.contains(expected), "{outcome}");
        endpoint.close().await;
    }
    clear.stop().await;
    secure.stop().await;
    immediate.stop().await;
}

/// A server that says yes without having shown that it knows the password.
#[tokio::test]
async fn a_server_that_does_not_know_the_password_is_told_nothing_more() {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    let connector = ScriptedConnector::new(|_, io| {
        tokio::spawn(async move {
            let mut io = BufReader::new(io);
            io.write_all(b"220 mx.example\r\n").await.unwrap();
            let mut line = String::new();
            while io.read_line(&mut line).await.is_ok_and(|octets| octets > 0) {
                let reply = match line.get(..4) {
                    Some("EHLO") => "250-mx.example\r\n250 AUTH SCRAM-SHA-256\r\n",
                    Some("AUTH") => "235 2.7.0 fine\r\n",
                    Some("MAIL") => panic!("nothing is sent there"),
                    _ => "221 bye\r\n",
                };
                io.write_all(reply.as_bytes()).await.unwrap();
                line.clear();
            }
        });
    });
    let login = Login::with_password("alice", "pencil");
    let resolver = koukan_core::test_util::ScriptedResolver::new();
    let settings = settings("127.0.0.1:25", &login);
    let endpoint = SmtpEndpoint::with_network(settings, Arc::new(connector), Arc::new(resolver));
    let outcome = outcome(&endpoint).await;
    assert!(outcome.starts_with("451 4.7.8"), "{outcome}");
}
