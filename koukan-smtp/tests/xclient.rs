//! XCLIENT: proxies that say who their client is.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::{Arc, Mutex};

use koukan_core::{blocking::BlockingPool, reply::Reply, transaction::Transaction};
use koukan_smtp::{
    Network, Server,
    sasl::scram::Verifier,
    server::{Connected, Greeting, Introduction, PasswordFile, Step},
};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tower::{BoxError, service_fn};

/// What the greeter and the service were told, each as a line.
type Log = Arc<Mutex<Vec<String>>>;

struct Client(BufReader<DuplexStream>);

/// Whom the server knows.
fn user() -> PasswordFile {
    let entries = format!("alice:{}", Verifier::new("pencil", 4096).unwrap());
    PasswordFile::new(entries.parse().unwrap(), BlockingPool::default()).unwrap()
}

impl Client {
    /// A client at that address of a server that believes those from 192.0.2.0/24.
    async fn connect(address: &str, log: &Log) -> Self {
        let connected = Connected {
            remote_host: Some(address.parse().unwrap()),
            ..Connected::default()
        };
        Self::connect_as(&connected, log).await
    }

    /// As [`Client::connect`], where more is known of it. Its server knows a user.
    async fn connect_as(connected: &Connected, log: &Log) -> Self {
        let (greeted, served) = (Arc::clone(log), Arc::clone(log));
        let greeter = service_fn(move |client: Introduction| {
            let context = &client.context;
            let remote = context.remote_host.map(|remote| remote.to_string());
            let remote = remote.unwrap_or_default();
            if client.step == Step::Connected {
                greeted.lock().unwrap().push(format!("connected {remote}"));
            }
            let is_bad = remote.starts_with("203.0.113.");
            std::future::ready(Ok::<_, BoxError>(match is_bad {
                true => Greeting::Refused(Reply::policy_refused()),
                false => client.welcome(),
            }))
        });
        let service = service_fn(move |tx: Transaction| {
            let context = &tx.context;
            served.lock().unwrap().push(format!(
                "mail {:?} {:?} {:?} {:?}",
                context.remote_host,
                context.local_host,
                context.identity,
                context.client_name.as_ref().map(|name| &*name.name),
            ));
            async move {
                tx.mail.answer(Reply::sender_ok());
                Ok::<_, BoxError>(Reply::no_valid_recipients())
            }
        });
        let networks: [Network; 1] = ["192.0.2.0/24".parse().unwrap()];
        let server = Server::new(service)
            .with_greeter(greeter)
            .with_xclients(networks)
            .with_authenticator(user())
            .with_auth_in_clear();
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        tokio::spawn(server.serve(theirs, connected));
        let mut client = Self(BufReader::new(ours));
        client.reply().await;
        client
    }

    async fn ask(&mut self, line: &str) -> String {
        self.0
            .write_all(format!("{line}\r\n").as_bytes())
            .await
            .unwrap();
        self.reply().await
    }

    async fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).await.unwrap();
            reply.push_str(&line);
            if line.as_bytes().get(3) != Some(&b'-') {
                return reply;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_session_begins_anew_with_the_client_that_is_named() {
    let log = Log::default();
    let mut client = Client::connect("192.0.2.9:1", &log).await;
    let offer = client.ask("EHLO proxy").await;
    assert!(
        offer.contains("250-XCLIENT NAME ADDR PORT PROTO HELO LOGIN"),
        "{offer}"
    );
    let named =
        "XCLIENT ADDR=198.51.100.7 PORT=1234 LOGIN=alice HELO=x DESTADDR=198.51.100.1 DESTPORT=25";
    assert!(client.ask(named).await.starts_with("220 localhost ESMTP"));
    assert!(
        client.ask("MAIL FROM:<a@b>").await.starts_with("503"),
        "EHLO comes first"
    );
    // It is still the proxy that speaks.
    assert!(client.ask("EHLO client").await.contains("250-XCLIENT "));
    assert!(client.ask("MAIL FROM:<a@b>").await.starts_with("250"));
    assert!(
        client
            .ask("XCLIENT ADDR=198.51.100.8")
            .await
            .starts_with("503")
    );
    client.ask("RSET").await;
    // The next client has nothing of this one but what is not said anew.
    let next = "XCLIENT ADDR=[UNAVAILABLE] LOGIN=[UNAVAILABLE]";
    assert!(client.ask(next).await.starts_with("220"));
    client.ask("EHLO other").await;
    client.ask("MAIL FROM:<a@b>").await;
    assert_eq!(
        *log.lock().unwrap(),
        [
            "connected 192.0.2.9:1",
            "connected 198.51.100.7:1234",
            "mail Some(198.51.100.7:1234) Some(198.51.100.1:25) Some(\"alice\") Some(\"client\")",
            "connected ",
            "mail None Some(198.51.100.1:25) None Some(\"other\")",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_not_welcome_is_told_so_and_another_may_follow_on_another_connection() {
    let log = Log::default();
    let mut client = Client::connect("192.0.2.9:1", &log).await;
    client.ask("EHLO proxy").await;
    assert!(
        client
            .ask("XCLIENT ADDR=203.0.113.5")
            .await
            .starts_with("554")
    );
    assert!(client.ask("EHLO client").await.starts_with("503"));
    assert!(client.ask("QUIT").await.starts_with("221"));
}

#[tokio::test(start_paused = true)]
async fn nobody_is_who_somebody_else_on_the_connection_has_shown_to_be() {
    let by_certificate = Connected {
        remote_host: Some("192.0.2.9:1".parse().unwrap()),
        identity: Some("proxy".into()),
        ..Connected::default()
    };
    let by_password = Connected {
        identity: None,
        ..by_certificate.clone()
    };
    for connected in [by_certificate, by_password] {
        let log = Log::default();
        let mut client = Client::connect_as(&connected, &log).await;
        let mut expected = Vec::new();
        for (before, identity) in [
            ("", connected.identity.as_deref()),
            ("AUTH", Some("alice")),
            ("XCLIENT PORT=5", None),
            ("XCLIENT LOGIN=bob", Some("bob")),
            // A proxy may say it by several commands.
            ("XCLIENT PORT=6", Some("bob")),
            ("XCLIENT LOGIN=[UNAVAILABLE]", None),
            ("AUTH", Some("alice")),
            ("XCLIENT ADDR=198.51.100.7", None),
        ] {
            match before {
                "" => {}
                "AUTH" => {
                    let secret = koukan_smtp::sasl::encode("\0alice\0pencil");
                    let reply = client.ask(&format!("AUTH PLAIN {secret}")).await;
                    assert!(reply.starts_with("235"), "{reply}");
                }
                xclient => assert!(client.ask(xclient).await.starts_with("220")),
            }
            client.ask("EHLO client").await;
            client.ask("MAIL FROM:<a@b>").await;
            client.ask("RSET").await;
            expected.push(format!("{identity:?}"));
        }
        let told = log.lock().unwrap();
        let told = told.iter().filter(|line| line.starts_with("mail"));
        let told: Vec<_> = told
            .map(|line| line.rsplit(' ').nth(1).unwrap().to_owned())
            .collect();
        assert_eq!(told, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn ipv4_is_the_same_however_it_is_written() {
    let log = Log::default();
    let mut client = Client::connect("192.0.2.9:1", &log).await;
    let named = "XCLIENT ADDR=IPV6:::ffff:198.51.100.7 PORT=5 DESTADDR=::ffff:198.51.100.1";
    assert!(client.ask(named).await.starts_with("220"));
    client.ask("EHLO client").await;
    client.ask("MAIL FROM:<a@b>").await;
    let expected = "mail Some(198.51.100.7:5) Some(198.51.100.1:0) None Some(\"client\")";
    assert_eq!(log.lock().unwrap().last().unwrap(), expected);
    let bad = "XCLIENT ADDR=IPV6:::ffff:203.0.113.5";
    client.ask("RSET").await;
    assert!(client.ask(bad).await.starts_with("554"));
}

#[tokio::test(start_paused = true)]
async fn others_are_not_believed() {
    let log = Log::default();
    let mut client = Client::connect("198.51.100.9:1", &log).await;
    assert!(!client.ask("EHLO me").await.contains("XCLIENT"));
    assert!(
        client
            .ask("XCLIENT ADDR=192.0.2.1")
            .await
            .starts_with("502")
    );
    client.ask("MAIL FROM:<a@b>").await;
    let expected = "mail Some(198.51.100.9:1) None None Some(\"me\")";
    assert_eq!(log.lock().unwrap().last().unwrap(), expected);
}
