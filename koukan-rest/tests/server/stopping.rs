//! What becomes of connections when the server stops.

use std::{io::Write, time::Duration};

use axum::body::Body;
use hyper_util::rt::{TokioExecutor, TokioIo};
use koukan_rest::{
    health::Readiness,
    server::{ConnectionSettings, serve_with},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::yield_now,
};

use crate::{
    support::{answering, current},
    tcp::{Running, start},
};

const READ: &[u8] = b"GET /transactions/T HTTP/1.1\r\nHost: a\r\n\r\n";

/// A server whose connections are kept so long when it stops.
async fn calling(last_call: Duration) -> Running {
    let mut settings = ConnectionSettings::default();
    settings.last_call = last_call;
    start(answering(current("1")).0.router(), settings).await
}

const LONG: Duration = Duration::from_secs(3600);

/// Asks once, on a connection that is kept.
async fn ask(stream: &mut TcpStream) -> String {
    stream.write_all(READ).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0);
    }
    String::from_utf8(answer).unwrap()
}

/// All that comes until the server closes.
async fn ask_to_the_end(stream: &mut TcpStream) -> String {
    stream.write_all(READ).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Waits until connections are refused.
async fn refused(running: &Running) {
    while TcpStream::connect(running.address).await.is_ok() {
        yield_now().await;
    }
}

#[tokio::test]
async fn a_connection_on_which_nothing_is_asked_answers_once_more() {
    let mut running = calling(LONG).await;
    let mut used = TcpStream::connect(running.address).await.unwrap();
    let mut fresh = TcpStream::connect(running.address).await.unwrap();
    let answer = ask(&mut used).await;
    assert!(!answer.contains("connection: close"), "{answer}");
    running.begin_to_stop();
    refused(&running).await;
    for stream in [&mut used, &mut fresh] {
        let answer = ask_to_the_end(stream).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains("connection: close\r\n"), "{answer}");
    }
    running.ended().await;
}

#[tokio::test]
async fn who_asks_nothing_more_is_closed_after_a_moment() {
    let running = calling(Duration::from_millis(10)).await;
    let mut used = TcpStream::connect(running.address).await.unwrap();
    let mut fresh = TcpStream::connect(running.address).await.unwrap();
    ask(&mut used).await;
    running.stop().await;
    for stream in [&mut used, &mut fresh] {
        assert_eq!(stream.read(&mut [0; 1]).await.unwrap_or(0), 0);
    }
}

#[tokio::test]
async fn a_client_of_http_2_is_told_to_ask_no_more_at_once() {
    let running = calling(LONG).await;
    let stream = TcpStream::connect(running.address).await.unwrap();
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    let connection = tokio::spawn(connection);
    let request = axum::http::Request::get("http://a/transactions/T");
    let request = request.body(Body::empty()).unwrap();
    let response = client.send_request(request).await.unwrap();
    assert_eq!(response.status(), 200);
    drop(response);
    running.stop().await;
    drop(connection.await.unwrap());
}

#[tokio::test]
async fn who_was_connected_and_not_accepted_yet_is_answered() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut clients = Vec::new();
    for _ in 0..50 {
        // The system has made the connection when this returns, and nobody has accepted it.
        let mut client = std::net::TcpStream::connect(address).unwrap();
        client.write_all(READ).unwrap();
        client.set_nonblocking(true).unwrap();
        clients.push(TcpStream::from_std(client).unwrap());
    }
    let router = answering(current("1")).0.router();
    let stopped = std::future::ready(());
    let serving = tokio::spawn(serve_with(
        listener,
        router,
        ConnectionSettings::default(),
        stopped,
    ));
    for mut client in clients {
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    }
    serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn connections_end_with_an_answer_while_the_agent_is_about_to_stop() {
    let readiness = Readiness::default();
    let settings = ConnectionSettings::default().with_readiness(readiness.clone());
    let running = start(answering(current("1")).0.router(), settings).await;
    let mut before = TcpStream::connect(running.address).await.unwrap();
    ask(&mut before).await;
    readiness.leave();
    let after = TcpStream::connect(running.address).await.unwrap();
    for mut stream in [before, after] {
        let answer = ask_to_the_end(&mut stream).await;
        assert!(answer.contains("connection: close\r\n"), "{answer}");
    }
}
