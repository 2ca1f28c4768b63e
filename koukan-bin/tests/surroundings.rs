//! An agent on a network that its embedder gives it, and filters that use what they are given.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    fmt::Display,
    fs,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use axum::body::{Body, to_bytes};
use koukan::{
    Builder, Koukan, Running,
    config::Step,
    registry::{InvalidFilter, Surroundings},
};
use koukan_core::{
    middleware::{Next, State, from_fn, from_fn_with_state},
    network::{LookupError, Proof},
    reply::Reply,
    test_util::{Script, ScriptedConnector, ScriptedResolver},
    transaction::Transaction,
};
use koukan_smtp::{Server, server::Connected};
use serde::Deserialize;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::TcpStream,
};
use tower::{BoxError, ServiceExt};

/// A network: an SMTP server at `192.0.2.25`, an HTTP server at `192.0.2.80` that answers everything
/// with `welcome`.
fn connector(script: &Script) -> ScriptedConnector {
    let script = script.clone();
    ScriptedConnector::new(move |address, mut io| {
        if address == "192.0.2.25:25".parse().unwrap() {
            let server = Server::new(script.clone()).with_name("mx.example.net");
            tokio::spawn(server.serve(io, &Connected::default()));
        } else if address == "192.0.2.80:80".parse().unwrap() {
            tokio::spawn(async move {
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    io.read_buf(&mut request).await.unwrap();
                }
                let response = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nwelcome";
                io.write_all(response).await.unwrap();
            });
        }
    })
}

fn resolver() -> ScriptedResolver {
    ScriptedResolver::new()
        .with_addresses("example.net", ["192.0.2.25".parse().unwrap()])
        .with_addresses("local.example", ["127.0.0.1".parse().unwrap()])
        .with_addresses("policy.example", ["192.0.2.80".parse().unwrap()])
}

/// An agent whose listener's chain has a filter, and that delivers to the recipients' domains.
fn config(filter: impl Display) -> String {
    format!(
        r#"
        hostname: me.example
        storage: memory
        smtp_listener: [{{ address: "127.0.0.1:0", sender: ingress }}]
        notification: {{ sender: outgoing }}
        sender:
          - {{ name: ingress, chain: ingress }}
          - {{ name: outgoing, chain: outgoing }}
        chain:
          - name: ingress
            filter:
              - {filter}
            endpoint: {{ exploder: {{ policy: ingress, sender: outgoing }} }}
          - name: outgoing
            filter: [router: {{ rules: [dest_domain: {{}}] }}]
            endpoint: {{ smtp: {{}} }}
        "#
    )
}

async fn start(builder: Builder, config: &str) -> Running {
    let agent = builder.config_text("koukan.yaml", config).unwrap();
    agent.start().await.unwrap()
}

/// Sends a message by SMTP, and returns the last reply.
async fn send(agent: &Running, from: &str, to: &str) -> String {
    let mut client = TcpStream::connect(agent.smtp_addresses()[0]).await.unwrap();
    let commands = [
        "EHLO client.example\r\n".to_owned(),
        format!("MAIL FROM:<{from}>\r\n"),
        format!("RCPT TO:<{to}>\r\n"),
        "DATA\r\n".to_owned(),
        "Subject: hi\r\n\r\nhello\r\n.\r\n".to_owned(),
    ];
    let mut reply = reply_to(&mut client, "").await;
    for command in commands {
        reply = reply_to(&mut client, &command).await;
        if reply.starts_with(['4', '5']) {
            break;
        }
    }
    reply
}

async fn reply_to(client: &mut TcpStream, command: &str) -> String {
    client.write_all(command.as_bytes()).await.unwrap();
    let mut reply = Vec::new();
    let is_whole = |reply: &[u8]| {
        let last = reply
            .trim_ascii_end()
            .rsplit(|octet| *octet == b'\n')
            .next();
        reply.ends_with(b"\r\n") && last.is_some_and(|line| line.get(3) == Some(&b' '))
    };
    while !is_whole(&reply) {
        assert_ne!(client.read_buf(&mut reply).await.unwrap(), 0);
    }
    String::from_utf8(reply).unwrap()
}

// === a filter that looks up names ===

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WithText {
    prefix: String,
}

/// Refuses senders whose domain publishes nothing under a prefix.
async fn with_text(
    State((prefix, surroundings)): State<(Arc<str>, Surroundings)>,
    tx: Transaction,
    next: Next,
) -> Result<Reply, BoxError> {
    let Some(mailbox) = tx.mail.request().reverse_path.mailbox() else {
        return next.run(tx).await;
    };
    let name = format!("{prefix}.{}", mailbox.domain_text());
    match surroundings.resolver.txt(&name).await {
        Ok(found) if found.proof == Proof::Insecure && &*found.records[0] == b"sends" => {
            next.run(tx).await
        }
        Ok(_) | Err(LookupError::NoSuchName) => Ok(Reply::policy_refused()),
        Err(error) => Err(error.into()),
    }
}

fn looking_up(resolver: &ScriptedResolver, connector: &ScriptedConnector) -> Builder {
    Koukan::builder()
        .resolver(resolver.clone())
        .connector(connector.clone())
        .try_filter("with_text", |config: WithText, surroundings| {
            if config.prefix.is_empty() {
                return Err(InvalidFilter {
                    message: "`prefix` is empty".into(),
                    at: vec![Step::Key("prefix".into())],
                });
            }
            let state = (config.prefix.into(), surroundings.clone());
            Ok(from_fn_with_state(state, with_text))
        })
}

#[tokio::test]
async fn a_filter_asks_the_resolver_that_the_embedder_gives() {
    let (script, text) = (Script::new(), |text: &str| [text.as_bytes().into()]);
    let resolver = resolver()
        .with_txt("_mail.good.example", text("sends"))
        .with_txt("_mail.bad.example", text("sends nothing"))
        .with_failure("_mail.down.example");
    let connector = connector(&script);
    let builder = looking_up(&resolver, &connector);
    let agent = start(builder, &config("with_text: { prefix: _mail }")).await;
    for (from, reply) in [
        ("a@bad.example", "550 5.7.1 "),
        ("a@none.example", "550 5.7.1 "),
        ("a@down.example", "451 4.3.0 "),
    ] {
        let got = send(&agent, from, "b@example.net").await;
        assert!(got.starts_with(reply), "{from}: {got}");
    }
    assert!(connector.asked().is_empty());
    let got = send(&agent, "a@good.example", "b@example.net").await;
    assert!(got.starts_with("250 2."), "{got}");
    agent.stop().await;
    // Delivery asks the same resolver, and goes by the connector.
    let asked = [
        "TXT _mail.bad.example",
        "TXT _mail.none.example",
        "TXT _mail.down.example",
        "TXT _mail.good.example",
        "A example.net",
    ];
    assert_eq!(resolver.asked(), asked);
    assert_eq!(connector.asked(), ["192.0.2.25:25".parse().unwrap()]);
    assert!(script.only_received().text().contains("hello"));
}

#[tokio::test]
async fn what_others_name_is_not_connected_to_wherever_the_resolver_leads() {
    let (script, resolver) = (Script::new(), resolver());
    let connector = connector(&script);
    let resolver = resolver.with_txt("_mail.good.example", [b"sends".as_slice().into()]);
    let builder = looking_up(&resolver, &connector);
    let agent = start(builder, &config("with_text: { prefix: _mail }")).await;
    let got = send(&agent, "a@good.example", "b@local.example").await;
    assert!(got.starts_with("550 5.7.1 "), "{got}");
    agent.stop().await;
    assert!(resolver.asked().contains(&"A local.example".to_owned()));
    assert!(connector.asked().is_empty());
}

#[test]
fn a_filter_that_cannot_be_built_is_told_of_with_its_place() {
    let builder = || looking_up(&ScriptedResolver::new(), &connector(&Script::new()));
    let text = config("with_text: { prefix: \"\" }");
    let error = builder().config_text("k.yaml", &text).unwrap_err();
    let problem = &error.problems[0];
    assert_eq!(problem.message, "filter `with_text`: `prefix` is empty");
    let (line, column) = (problem.line as usize, problem.column as usize);
    let at = &text.lines().nth(line - 1).unwrap()[column - 1..];
    assert!(at.starts_with("\"\""), "{at}");
    // Any other error, with its cause.
    let error = builder().try_filter("with_text", |_: WithText, _| {
        let failed = std::io::Error::other(LookupError::failed("nobody knows"));
        Err::<tower::layer::util::Identity, _>(failed)
    });
    let error = error.config_text("k.yaml", &text).unwrap_err();
    let told = "filter `with_text`: the look-up failed: nobody knows";
    assert_eq!(error.problems[0].message, told);
}

// === a filter of callbacks ===

#[tokio::test]
async fn a_sender_that_is_not_among_those_allowed_is_refused_at_mail() {
    let (script, resolver) = (Script::new(), resolver());
    let connector = connector(&script);
    let builder = Koukan::builder()
        .resolver(resolver.clone())
        .connector(connector.clone());
    let filter = r#"allowed_senders: { domains: [good.example], addresses: ["c@ok.example"], delimiter: "+" }"#;
    let agent = start(builder, &config(filter)).await;
    for from in ["a@bad.example", "a@ok.example", "a@sub.good.example"] {
        let got = send(&agent, from, "b@example.net").await;
        let expected = format!("550 5.7.1 <{from}> may not be used as sender here\r\n");
        assert_eq!(got, expected);
    }
    assert!(connector.asked().is_empty());
    for from in ["a@good.example", "c+lists@OK.example", ""] {
        let got = send(&agent, from, "b@example.net").await;
        assert!(got.starts_with("250 2."), "{from}: {got}");
    }
    agent.stop().await;
    assert_eq!(script.received().len(), 3);
}

// === a filter that asks an HTTP server ===

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    url: String,
    token_file: PathBuf,
}

#[tokio::test]
async fn a_filter_asks_an_http_server_by_the_connector_that_the_embedder_gives() {
    let token = tempfile::NamedTempFile::new().unwrap();
    fs::write(token.path(), "a secret\n").unwrap();
    let (script, resolver) = (Script::new(), resolver());
    let connector = connector(&script);
    let said = Arc::new(Mutex::new(String::new()));
    let builder = Koukan::builder()
        .resolver(resolver.clone())
        .connector(connector.clone());
    let builder = builder.try_filter("ask", {
        let said = Arc::clone(&said);
        move |config: Ask, surroundings| {
            let secret = surroundings.secret(&config.token_file)?;
            assert_eq!(format!("{secret:?}"), "Secret");
            let token = format!("Bearer {}", secret.token()?);
            let (client, said, url) = (surroundings.http()?, Arc::clone(&said), config.url);
            Ok::<_, InvalidFilter>(from_fn(move |tx: Transaction, next: Next| {
                let (client, said) = (client.clone(), Arc::clone(&said));
                let request = axum::http::Request::get(&url).header("authorization", &token);
                async move {
                    let response = client.oneshot(request.body(Body::empty())?).await?;
                    let octets = to_bytes(response.into_body(), 1000).await?;
                    *said.lock().unwrap() = String::from_utf8(octets.to_vec())?;
                    next.run(tx).await
                }
            }))
        }
    });
    let filter = format!(
        "ask: {{ url: \"http://policy.example/\", token_file: {} }}",
        token.path().display()
    );
    let agent = start(builder, &config(filter)).await;
    let got = send(&agent, "a@good.example", "b@example.net").await;
    assert!(got.starts_with("250 2."), "{got}");
    agent.stop().await;
    assert_eq!(*said.lock().unwrap(), "welcome");
    let asked: Vec<SocketAddr> = ["192.0.2.80:80", "192.0.2.25:25"]
        .map(|address| address.parse().unwrap())
        .into();
    assert_eq!(connector.asked(), asked);
}

#[test]
fn a_secret_that_is_not_there_is_told_of_before_the_start() {
    let builder = Koukan::builder().try_filter("ask", |config: Ask, surroundings| {
        surroundings.secret(&config.token_file)?;
        Ok::<_, InvalidFilter>(tower::layer::util::Identity::new())
    });
    let text = config("ask: { url: \"http://policy.example/\", token_file: /nowhere/token }");
    let error = builder.config_text("k.yaml", &text).unwrap_err();
    let message = &error.problems[0].message;
    assert!(message.contains("cannot read /nowhere/token"), "{message}");
}

// === the rest of the surroundings ===

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[tokio::test]
async fn a_filter_is_given_the_agents_own_surroundings() {
    let given = Arc::new(Mutex::new(None));
    let builder = Koukan::builder().try_filter("keep", {
        let given = Arc::clone(&given);
        move |_: Nothing, surroundings| {
            *given.lock().unwrap() = Some(surroundings.clone());
            Ok::<_, InvalidFilter>(tower::layer::util::Identity::new())
        }
    });
    let agent = start(builder, &config("keep")).await;
    let given = given.lock().unwrap().take().unwrap();
    assert_eq!(&*given.hostname, "me.example");
    // The blobs are those of the agent's budget.
    let (mut writer, _blob) = given.blobs.create();
    writer.append(vec![0; 1000].into()).await.unwrap();
    assert_eq!(agent.storage().pool().used(), given.blobs.used());
    assert!(given.blobs.used() >= 1000);
    assert_eq!(given.blocking.run(|| 6 * 7).await, Ok(42));
    assert!((0.0..1.0).contains(&given.random.unit()));
    agent.stop().await;
}

// === a REST endpoint ===

#[tokio::test]
async fn a_rest_endpoint_resolves_and_connects_as_the_embedder_says() {
    let script = Script::new();
    let router = r#"
        hostname: router.example
        storage: memory
        rest_listener: [{ address: "127.0.0.1:0", host: [router.example] }]
        notification: { sender: outgoing }
        sender:
          - { name: submission, chain: submission, rest: {} }
          - { name: outgoing, chain: outgoing }
        chain:
          - name: submission
            endpoint: { exploder: { policy: submission, sender: outgoing } }
          - name: outgoing
            filter: [router: { rules: [dest_domain: {}] }]
            endpoint: { smtp: {} }
        "#;
    let builder = Koukan::builder().resolver(resolver());
    let router = start(builder.connector(connector(&script)), router).await;
    let gateway = r#"
        hostname: gateway.example
        smtp_listener: [{ address: "127.0.0.1:0", sender: submission }]
        notification: { sender: submission }
        sender: [{ name: submission, chain: router }]
        chain:
          - name: router
            endpoint: { rest: { url: "http://router.example:8000" } }
        "#;
    let address = router.rest_addresses()[0];
    let to_router = ScriptedConnector::new(move |_, mut io| {
        tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let _ = copy_bidirectional(&mut io, &mut stream).await;
        });
    })
    .with_refused("192.0.2.1:8000".parse().unwrap());
    let addresses = ["192.0.2.1", "192.0.2.2"].map(|address| address.parse().unwrap());
    let names = ScriptedResolver::new().with_addresses("router.example", addresses);
    let builder = Koukan::builder().resolver(names.clone());
    let gateway = start(builder.connector(to_router.clone()), gateway).await;
    let got = send(&gateway, "a@good.example", "b@example.net").await;
    assert!(got.starts_with("250 2."), "{got}");
    gateway.stop().await;
    router.stop().await;
    assert!(
        names
            .asked()
            .iter()
            .all(|asked| asked == "A router.example")
    );
    let tried = to_router.asked();
    assert_eq!(tried[0], "192.0.2.1:8000".parse().unwrap());
    assert_eq!(tried[1], "192.0.2.2:8000".parse().unwrap());
    assert!(script.only_received().text().contains("hello"));
}
