//! Malformed requests, and requests for another host.

use std::sync::Arc;

use axum::http::StatusCode;
use koukan_core::{clock::SystemClock, resource::ResourceResponse};
use koukan_rest::{
    auth::{Auth, Token, generate_token},
    server::{ConnectionSettings, ServerSettings, serve_with},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::support::{
    Asked, CREATE, answering, answering_with, created, current, empty, json_request, request, send,
};

/// A server's answer to these octets.
async fn answer(octets: &str) -> (String, Asked) {
    let (server, asked) = answering(current("1"));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut stream = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let mut settings = ConnectionSettings::default();
    settings.header_read_timeout = std::time::Duration::from_millis(100);
    let never = std::future::pending();
    tokio::spawn(serve_with(listener, server.router(), settings, never));
    stream.write_all(octets.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A reset counts as the end.
    let _ = stream.read_to_end(&mut answer).await;
    (String::from_utf8_lossy(&answer).into_owned(), asked)
}

#[tokio::test]
async fn every_request_names_one_host() {
    for (head, status) in [
        ("GET /transactions/T HTTP/1.1\r\nHost: a\r\n", 200),
        (
            "GET /transactions/T HTTP/1.1\r\nHost: a.example:8000\r\n",
            200,
        ),
        ("GET /transactions/T HTTP/1.1\r\nHost: [::1]:8000\r\n", 200),
        ("GET /transactions/T HTTP/1.0\r\n", 200),
        ("GET /transactions/T HTTP/1.1\r\n", 400),
        ("GET /transactions/T HTTP/1.1\r\nHost:\r\n", 400),
        (
            "GET /transactions/T HTTP/1.1\r\nHost: a\r\nHost: b\r\n",
            400,
        ),
        (
            "GET /transactions/T HTTP/1.1\r\nHost: a\r\nHost: a\r\n",
            400,
        ),
        (
            "GET /transactions/T HTTP/1.0\r\nHost: a\r\nhost: b\r\n",
            400,
        ),
        ("GET /transactions/T HTTP/1.1\r\nHost: a, b\r\n", 400),
        ("GET /transactions/T HTTP/1.1\r\nHost: a:99999\r\n", 400),
        ("GET /transactions/T HTTP/1.1\r\nHost: user@a\r\n", 400),
        ("GET /transactions/T HTTP/1.1\r\nHost: a/b\r\n", 400),
    ] {
        let (answer, asked) = answer(&format!("{head}\r\n")).await;
        let told = answer.split(' ').nth(1).unwrap_or_default();
        assert_eq!(told, status.to_string(), "{head}: {answer}");
        assert_eq!(
            asked.lock().unwrap().len(),
            usize::from(status == 200),
            "{head}"
        );
        if status == 400 {
            assert!(answer.contains("application/problem+json"), "{answer}");
            assert!(answer.contains("\"field\":\"Host\""), "{answer}");
        }
    }
}

#[tokio::test]
async fn no_transfer_coding_is_known_but_chunked() {
    let chunks = "5\r\nhello\r\n0\r\n\r\n";
    for (codings, status) in [
        ("chunked", "200"),
        ("Chunked", "200"),
        ("gzip, chunked", "501"),
        ("identity, chunked", "501"),
        ("gzip", "400"),
    ] {
        let head = "PUT /transactions/T/body HTTP/1.1\r\nHost: a\r\n";
        let octets = format!("{head}Transfer-Encoding: {codings}\r\n\r\n{chunks}");
        let (answer, asked) = answer(&octets).await;
        assert_eq!(
            answer.split(' ').nth(1).unwrap_or_default(),
            status,
            "{codings}"
        );
        assert_eq!(asked.lock().unwrap().len(), usize::from(status == "200"));
    }
}

#[tokio::test]
async fn content_that_is_encoded_is_not_taken() {
    let requests = [
        ("PUT", "/transactions/T/body", "hello"),
        ("PUT", "/transactions/T/blob/B", "hello"),
        ("POST", "/senders/app/transactions", CREATE),
        ("PATCH", "/transactions/T", CREATE),
        ("POST", "/transactions/T/message_builder", "{}"),
    ];
    for (method, path, content) in requests {
        for (coding, is_taken) in [
            ("gzip", false),
            ("br, identity", false),
            ("x-unknown", false),
            ("identity", true),
            ("Identity, identity", true),
            ("", true),
        ] {
            let (server, asked) = answering(created());
            let mut request = json_request(method, path, content);
            let coding = coding.parse().unwrap();
            request.headers_mut().insert("content-encoding", coding);
            let answer = send(server.router(), request).await;
            let is_refused = answer.status == StatusCode::UNSUPPORTED_MEDIA_TYPE;
            assert_eq!(is_refused, !is_taken, "{method} {path}: {}", answer.status);
            if is_refused {
                assert_eq!(answer.header("accept-encoding"), "identity");
                assert!(answer.detail().starts_with("Content-Encoding: "));
                assert!(asked.lock().unwrap().is_empty());
            }
        }
    }
}

#[tokio::test]
async fn whoever_asks_shows_one_token() {
    let (right, hash) = generate_token();
    for second in ["Bearer another".to_owned(), format!("Bearer {right}")] {
        for has_auth in [false, true] {
            let (mut server, asked) = answering(current("1"));
            if has_auth {
                server = server.with_auth(auth(&hash));
            }
            let request = request("GET", "/transactions/T")
                .header("authorization", format!("Bearer {right}"))
                .header("authorization", &second);
            let answer = send(server.router(), empty(request)).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST);
            assert!(answer.detail().starts_with("authorization: "));
            assert!(asked.lock().unwrap().is_empty());
        }
    }
}

fn auth(hash: &str) -> Auth {
    let token = Token::from_hex("app", hash).unwrap();
    Auth::new([token], Arc::new(SystemClock))
}

fn on(bound: &str, response: ResourceResponse) -> (koukan_rest::server::Server, Asked) {
    let settings = ServerSettings::default()
        .with_bound(bound.parse().unwrap())
        .with_hosts(["relay.internal".into()]);
    answering_with(response, settings)
}

#[tokio::test]
async fn without_tokens_other_hosts_are_refused() {
    for (host, is_ours) in [
        ("127.0.0.1:8000", true),
        ("127.0.0.3", true),
        ("localhost:9000", true),
        ("[::1]:8000", true),
        ("relay.internal", true),
        ("evil.example", false),
        ("evil.example:8000", false),
        ("127.0.0.1.evil.example:8000", false),
        ("192.0.2.1:8000", false),
    ] {
        let (server, asked) = on("127.0.0.1:8000", created());
        let router = server.router();
        let mut create = json_request("POST", "/senders/app/transactions", CREATE);
        create.headers_mut().insert("host", host.parse().unwrap());
        let answer = send(router.clone(), create).await;
        let document = request("GET", "/openapi.json").header("host", host);
        let document = send(router, empty(document)).await;
        if is_ours {
            assert_eq!(answer.status, StatusCode::CREATED, "{host}");
            assert_eq!(
                answer.header("location"),
                format!("http://{host}/transactions/T")
            );
            continue;
        }
        for answer in [answer, document] {
            assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST, "{host}");
            answer.detail();
        }
        assert!(asked.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn with_tokens_another_host_is_not_believed() {
    let (token, hash) = generate_token();
    let (server, _) = on("127.0.0.1:8000", created());
    let server = server.with_auth(auth(&hash));
    let mut create = json_request("POST", "/senders/app/transactions", CREATE);
    let headers = create.headers_mut();
    headers.insert("host", "evil.example".parse().unwrap());
    headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
    let answer = send(server.router(), create).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert_eq!(
        answer.header("location"),
        "http://127.0.0.1:8000/transactions/T"
    );
}
