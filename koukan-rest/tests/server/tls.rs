//! HTTP over TLS.

use std::time::Duration;

use koukan_core::{
    test_util::Authority,
    tls::{ClientTls, ServerTls},
};
use koukan_rest::server::{ConnectionSettings, ServerSettings};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    support::{answering_with, created},
    tcp::{Running, start},
};

const CREATE: &[u8] = b"POST /senders/s/transactions HTTP/1.1\r\nHost: localhost\r\n\
    Content-Type: application/json\r\nContent-Length: 33\r\nConnection: close\r\n\r\n\
    {\"mail_from\":{\"m\":\"a@b.example\"}}";

async fn secure(tls: ServerTls) -> Running {
    let settings = ServerSettings::default().with_https(true);
    let (server, _) = answering_with(created(), settings);
    let connections = ConnectionSettings::default().with_tls(tls);
    start(server.router(), connections).await
}

async fn ask(running: &Running, tls: &ClientTls, request: &[u8]) -> String {
    let stream = TcpStream::connect(running.address).await.unwrap();
    let (mut stream, _) = tls.connect("localhost", stream).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn requests_are_answered_over_tls_and_locations_say_so() {
    let authority = Authority::new();
    let running = secure(authority.server("localhost")).await;
    let answer = ask(&running, &authority.client(), CREATE).await;
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    let location = "location: https://localhost/transactions/T\r\n";
    assert!(answer.contains(location), "{answer}");
}

#[tokio::test]
async fn nothing_is_answered_in_clear() {
    let running = secure(Authority::new().server("localhost")).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(CREATE).await.unwrap();
    let mut answer = Vec::new();
    // A connection that is closed with unread octets may be reset.
    let _ = stream.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "{}", answer.escape_ascii());
}

/// It does not delay the end of the server, either.
#[tokio::test]
async fn who_connects_and_is_silent_is_not_waited_for() {
    let tls = Authority::new().server("localhost");
    let mut hasty = ConnectionSettings::default().with_tls(tls.clone());
    hasty.header_read_timeout = Duration::from_millis(50);
    let (server, _) = answering_with(created(), ServerSettings::default());
    let running = start(server.router(), hasty).await;
    let mut silent = TcpStream::connect(running.address).await.unwrap();
    let mut rest = Vec::new();
    silent.read_to_end(&mut rest).await.unwrap();
    assert!(rest.is_empty());

    let running = secure(tls).await;
    let _silent = TcpStream::connect(running.address).await.unwrap();
    tokio::time::timeout(Duration::from_secs(10), running.stop())
        .await
        .unwrap();
}
