//! An agent with parts of an embedder, in a program with its own `main`.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod own_schemas;
mod panics;
mod printed;
mod shared;

use std::time::Duration;

use axum::{body::Body, http::Request};
use jiff::Timestamp;
use koukan::{Builder, Koukan, StartError, config::Step, registry::InvalidFilter};
use koukan_core::{clock::Clock, reply::Reply, test_util::Script, transaction::Transaction};
use koukan_smtp::{
    sasl::{Answer, Claim, Mechanism, Mechanisms},
    server::{Authenticator, Unavailable},
};
use serde::Deserialize;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};
use tower::{BoxError, ServiceExt, service_fn};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mailbox {
    user: String,
}

/// An endpoint with one user; `script` accepts the user's mail.
fn with_mailbox(script: &Script) -> Builder {
    let script = script.clone();
    Koukan::builder().try_endpoint("mailbox", move |config: Mailbox, _| {
        if config.user.contains('@') {
            let wrong = InvalidFilter::new("`user` is a name and no address");
            return Err(wrong.within([Step::Key("user".into())]));
        }
        let script = script.clone();
        Ok(service_fn(move |tx: Transaction| {
            let (script, user) = (script.clone(), config.user.clone());
            async move {
                let tx = tx.filter_recipients(move |rcpt| {
                    let mailbox = rcpt.forward_path.mailbox();
                    match mailbox.is_some_and(|mailbox| mailbox.local_part() == user) {
                        true => Ok(()),
                        false => Err(Reply::no_such_user()),
                    }
                });
                script.oneshot(tx).await
            }
        }))
    })
}

/// Mail from a listener goes into bob's mailbox; `more` is added to the listener's settings.
fn config(endpoint: &str, more: &str) -> String {
    format!(
        r#"hostname: me.example
storage: memory
smtp_listener:
  - {{ address: "127.0.0.1:0", sender: in{more} }}
sender:
  - {{ name: in, chain: in }}
chain:
  - name: in
    endpoint:
      {endpoint}
"#
    )
}

/// A conversation with an SMTP server: each command, and the beginning of its reply.
async fn converse(address: std::net::SocketAddr, lines: &[(&str, &str)]) {
    let mut client = TcpStream::connect(address).await.unwrap();
    for (command, begins) in lines {
        client.write_all(command.as_bytes()).await.unwrap();
        let mut reply = String::new();
        let is_whole = |reply: &str| {
            let last = reply.lines().last().unwrap_or_default();
            reply.ends_with('\n') && last.as_bytes()[3] == b' '
        };
        while !is_whole(&reply) {
            let mut some = [0; 1024];
            let count = client.read(&mut some).await.unwrap();
            assert_ne!(count, 0, "{command}");
            reply.push_str(str::from_utf8(&some[..count]).unwrap());
        }
        assert!(reply.starts_with(begins), "{command}: {reply}");
    }
}

const MESSAGE: [(&str, &str); 6] = [
    ("", "220"),
    ("EHLO client.example\r\n", "250"),
    ("MAIL FROM:<a@x.example>\r\n", "250"),
    ("RCPT TO:<bob@y.example>\r\n", "250"),
    ("DATA\r\n", "354"),
    ("Subject: hi\r\n\r\nhello\r\n.\r\n", "250"),
];

#[tokio::test]
async fn a_chain_ends_in_an_endpoint_of_the_embedders_on_a_socket_of_his_until_he_says_stop() {
    let script = Script::new();
    let agent = with_mailbox(&script).config_text("k.yaml", &config("mailbox: { user: bob }", ""));
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let served = tokio::spawn(agent.unwrap().serve(socket, async {
        let _ = stopped.await;
    }));
    converse(address, &MESSAGE).await;
    let eve = [
        MESSAGE[0],
        MESSAGE[1],
        MESSAGE[2],
        ("RCPT TO:<eve@y.example>\r\n", "550"),
    ];
    converse(address, &eve).await;
    assert_eq!(script.received()[0].text(), "Subject: hi\r\n\r\nhello\r\n");
    stop.send(()).unwrap();
    served.await.unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[test]
fn an_endpoint_may_spawn_tasks_when_it_is_built_even_if_it_is_only_checked() {
    let agent = Koukan::builder().endpoint("mailbox", |_: serde_json::Value| {
        tokio::spawn(std::future::pending::<()>());
        Script::new()
    });
    let agent = agent.config_text("k.yaml", &config("mailbox: {}", ""));
    assert!(agent.is_ok());
}

#[test]
fn what_is_wrong_with_an_endpoint_is_told_where_it_stands() {
    for (endpoint, more, told) in [
        ("mailbox: { user: bob }", "", ""),
        (
            "mailbix: { user: bob }",
            "",
            "k.yaml:10:7: unknown endpoint `mailbix`",
        ),
        (
            "mailbix: { user: bob }",
            "",
            "help: did you mean `mailbox`?",
        ),
        ("smpt: {}", "", "help: did you mean `smtp`?"),
        (
            "mailbox: { user: b@x }",
            "",
            "k.yaml:10:24: endpoint `mailbox`: `user` is a name and no address",
        ),
        ("mailbox: {}", "", "endpoint `mailbox`: `user` is missing"),
        ("mailbox: { usr: bob }", "", "did you mean `user`?"),
        (
            "mailbox: { user: bob }\n      smtp: {}",
            "",
            "there is one too many here",
        ),
        // Authentication is on, but nothing says who the users are.
        (
            "mailbox: { user: bob }",
            ", auth: {}",
            "nobody knows the users",
        ),
    ] {
        let text = config(endpoint, more);
        let error = with_mailbox(&Script::new()).config_text("k.yaml", &text);
        let error = error.err().map(|error| error.to_string());
        let error = error.unwrap_or_default();
        assert!(error.contains(told), "{endpoint}: {error}");
        assert_eq!(error.is_empty(), told.is_empty(), "{error}");
    }
}

#[test]
fn the_schema_of_an_agent_knows_its_endpoints() {
    let builder = with_mailbox(&Script::new());
    let schema = koukan::config::Config::json_schema_with(builder.registry());
    let plain = koukan::config::Config::json_schema();
    let count = |schema: &serde_json::Value| {
        schema["$defs"]["Endpoint"]["oneOf"]
            .as_array()
            .map(Vec::len)
    };
    assert_eq!(count(&schema), count(&plain).map(|count| count + 1));
    let last = &schema["$defs"]["Endpoint"]["oneOf"].as_array().unwrap()[4];
    assert_eq!(last["required"][0], "mailbox");
}

#[test]
#[should_panic(expected = "`smtp` is an endpoint of the agent's own")]
fn an_endpoint_of_the_agents_own_is_not_replaced() {
    let _ = Koukan::builder().endpoint("smtp", |_: Mailbox| Script::new());
}

#[derive(Debug)]
struct OneUser;

#[async_trait::async_trait]
impl Authenticator for OneUser {
    fn mechanisms(&self) -> Mechanisms {
        [Mechanism::Plain].into_iter().collect()
    }

    async fn ask(&self, claim: Claim) -> Result<Answer, Unavailable> {
        Ok(match claim {
            Claim::Password { user, password }
                if &*user == "bob" && password.reveal() == "secret" =>
            {
                Answer::Accepted(user)
            }
            _ => Answer::Refused,
        })
    }
}

#[tokio::test]
async fn the_embedders_authenticator_is_asked_who_clients_are() {
    let script = Script::new();
    let agent = with_mailbox(&script).authenticator(OneUser);
    let config = config("mailbox: { user: bob }", ", auth: { required: true }");
    let agent = agent.config_text("k.yaml", &config).unwrap();
    let agent = agent.start().await.unwrap();
    let lines = [
        MESSAGE[0],
        MESSAGE[1],
        ("MAIL FROM:<a@x.example>\r\n", "530"),
        // First eve, and then bob with `secret`.
        ("AUTH PLAIN AGV2ZQBzZWNyZXQ=\r\n", "535"),
        ("AUTH PLAIN AGJvYgBzZWNyZXQ=\r\n", "235"),
        MESSAGE[2],
    ];
    converse(agent.smtp_addresses()[0], &lines).await;
    agent.stop().await;
}

/// A clock that has stopped.
#[derive(Debug)]
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_000_000_000).unwrap()
    }
}

#[tokio::test]
async fn the_api_is_served_by_a_router_of_the_embedders_and_tells_the_time_of_his_clock() {
    let script = Script::new();
    let config = config("mailbox: { user: bob }", "").replace(
        "{ name: in, chain: in }",
        "{ name: in, chain: in, rest: {} }\nnotification: { sender: in }",
    );
    let agent = with_mailbox(&script).clock(Stopped);
    let agent = agent.config_text("k.yaml", &config).unwrap();
    let agent = agent.start().await.unwrap();
    let routes = axum::Router::new()
        .route("/mine", axum::routing::get(async || "mine"))
        .merge(agent.router());
    let ask = |request: Request<Body>| {
        let routes = routes.clone();
        async move {
            let response = routes.oneshot(request).await.unwrap();
            let status = response.status().as_u16();
            let octets = axum::body::to_bytes(response.into_body(), 1 << 20).await;
            let text = String::from_utf8(octets.unwrap().into()).unwrap();
            (status, text)
        }
    };
    let get = |path: &str| {
        let request = Request::get(path).header("Host", "localhost");
        request.body(Body::empty()).unwrap()
    };
    assert_eq!(ask(get("/mine")).await, (200, "mine".into()));
    let message = r#"{"mail_from": {"m": "a@x.example"}, "rcpt_to": [{"m": "bob@y.example"}],
        "body": {"message_builder": {"headers": [["subject", "hello"]],
        "text_body": [{"content_type": "text/plain", "content": {"inline": "hello"}}]}}}"#;
    let request = Request::post("/senders/in/transactions")
        .header("Host", "localhost")
        .header("Content-Type", "application/json")
        .header("Prefer", "wait=20");
    let (status, told) = ask(request.body(message.into()).unwrap()).await;
    assert_eq!(status, 201, "{told}");
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["data_response"]["code"], 250, "{told}");
    assert!(script.received()[0].text().contains("hello"));
    let request = Request::post("/explain")
        .header("Host", "localhost")
        .header("Content-Type", "application/json");
    let message = r#"{"sender": "in", "mail_from": "a@x.example", "rcpt_to": ["bob@y.example"]}"#;
    let (status, told) = ask(request.body(message.into()).unwrap()).await;
    assert_eq!(status, 200, "{told}");
    let (status, told) = ask(get("/queue?state=any")).await;
    assert_eq!(status, 200, "{told}");
    assert!(told.contains("2001-09-09T01:46:40"), "{told}");
    agent.stop().await;
}

#[tokio::test]
async fn a_program_that_is_told_to_stop_before_it_starts_does_not_start() {
    let agent = with_mailbox(&Script::new());
    let config = config("mailbox: { user: bob }", "");
    let agent = agent.config_text("k.yaml", &config).unwrap();
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    agent.serve(socket, std::future::ready(())).await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

/// A `select!` drops the futures that did not finish first.
#[tokio::test]
async fn an_agent_that_nobody_waits_for_any_more_stops() {
    let script = Script::new();
    let agent = with_mailbox(&script);
    let agent = agent.config_text("k.yaml", &config("mailbox: { user: bob }", ""));
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let mut served = Box::pin(agent.unwrap().serve(socket, std::future::pending()));
    tokio::select! {
        _ = &mut served => panic!("it has stopped"),
        () = converse(address, &MESSAGE) => {}
    }
    drop(served);
    let stopped = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), stopped)
        .await
        .unwrap();
}

#[tokio::test]
async fn an_agent_does_not_start_with_a_socket_that_nobody_would_listen_on() {
    let text = config("mailbox: { user: bob }", "");
    let socket = async || TcpListener::bind("127.0.0.1:0").await.unwrap();
    let agent = || {
        with_mailbox(&Script::new())
            .config_text("k.yaml", &text)
            .unwrap()
    };
    let two = agent().with_smtp_socket(socket().await);
    let two = two.with_smtp_socket(socket().await);
    let rest = agent().with_rest_socket(socket().await);
    for (agent, missing) in [(two, "smtp_listener"), (rest, "rest_listener")] {
        let error = agent.start().await.err().unwrap();
        assert!(
            matches!(error, StartError::Sockets(name) if name == missing),
            "{error}"
        );
    }
}

#[test]
fn what_shows_an_agent_shows_no_password_of_its_database() {
    let database = "storage: { postgres: { url: \"postgres://u:hidden@127.0.0.1/d\" } }";
    let text = config("mailbox: { user: bob }", "").replace("storage: memory", database);
    let text = text + "notification: { sender: in }\n";
    let agent = with_mailbox(&Script::new())
        .config_text("k.yaml", &text)
        .unwrap();
    let shown = format!("{agent:?}");
    assert!(
        shown.contains("Postgres") && !shown.contains("hidden"),
        "{shown}"
    );
    let text = text.replace("url:", "ur:");
    let error = with_mailbox(&Script::new()).config_text("k.yaml", &text);
    let shown = error.err().unwrap().to_string();
    assert!(
        shown.contains("did you mean `url`?") && !shown.contains("hidden"),
        "{shown}"
    );
}
