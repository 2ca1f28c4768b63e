//! An agent on its embedder's network, and filters that use their surroundings.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod allowed_senders;
mod endpoint;
mod explain;
mod explain_hand_over;
mod filter;
mod host_list;
mod http;
mod limits;
mod lists;
mod look_up;
#[cfg(feature = "mail-auth")]
mod mail_auth;
mod mail_hosts;
mod names_of_hosts;
mod replica;
mod router_rule;
#[cfg(feature = "scan")]
mod scanners;

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

/// A network with an SMTP server at `192.0.2.25`, and an HTTP server at `192.0.2.80` that answers
/// every request with `welcome`.
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

/// An agent that delivers to the recipients' domains, with a filter in its listener's chain.
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
    send_with(agent, from, to, "").await
}

/// Like [`send`], with these header fields before the others.
async fn send_with(agent: &Running, from: &str, to: &str, header: &str) -> String {
    let client = TcpStream::connect(agent.smtp_addresses()[0]).await.unwrap();
    send_over(client, from, to, header).await
}

/// Like [`send_with`], on a connection whose greeting has not been read.
async fn send_over(mut client: TcpStream, from: &str, to: &str, header: &str) -> String {
    let commands = [
        "EHLO client.example\r\n".to_owned(),
        format!("MAIL FROM:<{from}>\r\n"),
        format!("RCPT TO:<{to}>\r\n"),
        "DATA\r\n".to_owned(),
        format!("{header}Subject: hi\r\n\r\nhello\r\n.\r\n"),
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
