//! Requests that are answered before their content is read, over real connections.

use std::time::Duration;

use koukan_core::resource::{Operation, Refusal, RefusalKind, ResourceRequest, ResourceResponse};
use koukan_rest::server::{ConnectionSettings, Server, ServerSettings};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tower::{BoxError, service_fn};

use crate::tcp::{Running, start};

/// A server that refuses every request without reading its content.
async fn refusing() -> Running {
    let service = service_fn(|_: ResourceRequest| async {
        let refusal = Refusal::new(RefusalKind::Conflict, "the transaction is over");
        Ok::<ResourceResponse, BoxError>(refusal.into())
    });
    let server = Server::new(service, ServerSettings::default());
    start(server.router(), ConnectionSettings::default()).await
}

fn put(fields: &str) -> String {
    format!("PUT /transactions/T/body HTTP/1.1\r\nHost: a\r\n{fields}\r\n")
}

/// The head of the next answer, in lower case, and its content.
async fn answer(stream: &mut TcpStream) -> String {
    let mut octets = Vec::new();
    while !octets.ends_with(b"}") {
        assert_ne!(stream.read_buf(&mut octets).await.unwrap(), 0);
    }
    String::from_utf8(octets).unwrap().to_lowercase()
}

#[tokio::test]
async fn large_content_ends_the_connection_and_the_answer_says_so() {
    let running = refusing().await;
    let mebibyte = vec![b'x'; 1 << 20];
    let chunk = format!("{:x}\r\n", mebibyte.len());
    for (fields, before) in [
        ("Content-Length: 10485760\r\n", ""),
        ("Transfer-Encoding: chunked\r\n", &*chunk),
    ] {
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        stream.write_all(put(fields).as_bytes()).await.unwrap();
        stream.write_all(before.as_bytes()).await.unwrap();
        // Some clients read no answer before they have sent everything.
        for _ in 0..10 {
            stream.write_all(&mebibyte).await.unwrap();
        }
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8(answer).unwrap().to_lowercase();
        assert!(answer.starts_with("http/1.1 409 "), "{answer}");
        assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
    }
}

#[tokio::test]
async fn little_content_is_read_in_vain_and_the_connection_kept() {
    let running = refusing().await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    for request in [
        put("Content-Length: 5\r\n") + "hello",
        put("Transfer-Encoding: chunked\r\n") + "5\r\nhello\r\n0\r\n\r\n",
        put("Content-Length: 60000\r\n") + &"x".repeat(60_000),
        put("Content-Length: 0\r\n"),
        put("Content-Length: 5\r\n") + "hello",
    ] {
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = answer(&mut stream).await;
        assert!(answer.starts_with("http/1.1 409 "), "{answer}");
        assert!(!answer.contains("\r\nconnection:"), "{answer}");
    }
}

#[tokio::test]
async fn content_that_does_not_come_is_not_waited_for() {
    let running = refusing().await;
    for (fields, rest) in [
        ("Content-Length: 5\r\n", "he"),
        // It sends its content only when the server asks for it.
        ("Content-Length: 5\r\nExpect: 100-continue\r\n", ""),
    ] {
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        let request = put(fields) + rest;
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = answer(&mut stream).await;
        assert!(answer.starts_with("http/1.1 409 "), "{answer}");
        assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
        stream.shutdown().await.unwrap();
        let mut octet = [0; 1];
        let rest = tokio::time::timeout(Duration::from_secs(4), stream.read(&mut octet)).await;
        assert_eq!(rest.expect("it ends with its client").unwrap(), 0);
    }
}

/// Malformed content is refused by its reader, and what follows it is not taken for a request.
#[tokio::test]
async fn content_that_is_broken_ends_the_connection_and_the_answer_says_so() {
    let service = service_fn(|request: ResourceRequest| async move {
        let Operation::Upload(mut upload) = request.operation else {
            return Err::<ResourceResponse, BoxError>("not an upload".into());
        };
        while let Ok(Some(_)) = upload.content.next().await {}
        Ok(Refusal::malformed("the content broke off").into())
    });
    let server = Server::new(service, ServerSettings::default());
    let running = start(server.router(), ConnectionSettings::default()).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let request = put("Transfer-Encoding: chunked\r\n") + "5\r\nhello\r\nno size\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.write_all(&vec![b'x'; 1 << 20]).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap().to_lowercase();
    assert!(answer.starts_with("http/1.1 400 "), "{answer}");
    assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
}
