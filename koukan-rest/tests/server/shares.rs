//! Clients that take as much as they can get, and their neighbours.

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::BodyExt;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use koukan_core::{
    clock::SystemClock,
    event::{Event, Observer},
    resource::{Operation, ResourceRequest, ResourceResponse, Target},
};
use koukan_rest::{
    auth::{Auth, Token},
    server::{ConnectionSettings, Server, ServerSettings},
};
use sha2::{Digest, Sha256};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    sync::Semaphore,
    task::JoinSet,
};
use tower::{BoxError, service_fn};

use crate::{
    support::{CREATE, answering, answering_with, created, current, empty, request, send},
    tcp::{Running, start},
};

const HOSTILE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3));
const READ: &[u8] = b"GET /transactions/T HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

/// Connects from one of the loopback addresses.
async fn connect_from(client: IpAddr, server: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(client, 0)).unwrap();
    socket.connect(server).await.unwrap()
}

async fn http_2(client: IpAddr, server: SocketAddr) -> SendRequest<Body> {
    let stream = connect_from(client, server).await;
    let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    sender
}

/// A read and a list, which are answered at once or hang.
fn ask(path: &str, token: Option<&str>) -> Request<Body> {
    let mut request = Request::get(format!("http://a{path}"));
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    request.body(Body::empty()).unwrap()
}

const HANGS: &str = "/transactions/T";
const IS_ANSWERED: &str = "/transactions/U";

fn is_hanging(request: &ResourceRequest) -> bool {
    match &request.operation {
        Operation::Read(read) => read.transaction.target() == Ok(Target::Transaction("T")),
        _ => false,
    }
}

/// A server that never answers about one transaction; also gives the number of such requests.
async fn hanging(tokens: &[&str], max_requests: usize) -> (Running, Arc<Semaphore>) {
    let begun = Arc::new(Semaphore::new(0));
    let notes = Arc::clone(&begun);
    let service = service_fn(move |request: ResourceRequest| {
        let notes = Arc::clone(&notes);
        async move {
            if is_hanging(&request) {
                notes.add_permits(1);
                std::future::pending::<()>().await;
            }
            Ok::<ResourceResponse, BoxError>(current("1"))
        }
    });
    let settings = ServerSettings::default().with_max_requests(max_requests);
    let mut server = Server::new(service, settings);
    if !tokens.is_empty() {
        let known = tokens.iter().map(|secret| {
            let hash = Sha256::digest(secret.as_bytes());
            let hash: String = hash.iter().map(|octet| format!("{octet:02x}")).collect();
            Token::from_hex(*secret, &hash).unwrap()
        });
        let known: Vec<_> = known.collect();
        server = server.with_auth(Auth::new(known, Arc::new(SystemClock)));
    }
    (
        start(server.router(), ConnectionSettings::default()).await,
        begun,
    )
}

/// Sends that many requests that are never answered on each of these connections, and waits until all that may
/// hang do so.
async fn hang(
    connections: &[SendRequest<Body>],
    streams: usize,
    token: Option<&str>,
    begun: &Semaphore,
    hanging: u32,
) {
    for connection in connections {
        for _ in 0..streams {
            let mut connection = connection.clone();
            let request = ask(HANGS, token);
            tokio::spawn(async move {
                connection.ready().await.unwrap();
                connection.send_request(request).await
            });
        }
    }
    begun.acquire_many(hanging).await.unwrap().forget();
}

async fn status(client: &SendRequest<Body>, token: Option<&str>) -> StatusCode {
    let mut client = client.clone();
    client.ready().await.unwrap();
    let response = client.send_request(ask(IS_ANSWERED, token)).await.unwrap();
    let status = response.status();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        assert_eq!(response.headers()["retry-after"], "1");
    }
    let _ = response.into_body().collect().await.unwrap();
    status
}

#[tokio::test]
async fn sixty_connections_of_200_streams_of_one_token_leave_room_for_another() {
    let (running, begun) = hanging(&["hostile", "other"], 10_000).await;
    let mut connections = Vec::new();
    for _ in 0..60 {
        connections.push(http_2(HOSTILE, running.address).await);
    }
    hang(&connections, 200, Some("hostile"), &begun, 8_750).await;
    // The same address with another token.
    let other = http_2(HOSTILE, running.address).await;
    assert_eq!(status(&other, Some("other")).await, StatusCode::OK);
    // Another address with the same token is the same client.
    let same = http_2(OTHER, running.address).await;
    let busy = StatusCode::SERVICE_UNAVAILABLE;
    assert_eq!(status(&same, Some("hostile")).await, busy);
    // A request without a token is told so.
    assert_eq!(status(&same, None).await, StatusCode::UNAUTHORIZED);
    assert_eq!(
        status(&same, Some("unknown")).await,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn without_tokens_clients_are_known_by_their_addresses() {
    let (running, begun) = hanging(&[], 80).await;
    let hostile = http_2(HOSTILE, running.address).await;
    hang(std::slice::from_ref(&hostile), 100, None, &begun, 70).await;
    assert_eq!(
        status(&hostile, None).await,
        StatusCode::SERVICE_UNAVAILABLE
    );
    let other = http_2(OTHER, running.address).await;
    assert_eq!(status(&other, None).await, StatusCode::OK);
}

/// A create of whose document only the beginning has arrived.
fn begun(octets: &str) -> Request<Body> {
    let begun = Bytes::copy_from_slice(octets.as_bytes());
    let rest = stream::once(async { Ok::<_, Infallible>(begun) }).chain(stream::pending());
    let request = Request::post("http://a/senders/app/transactions");
    let request = request.header("content-type", "application/json");
    request.body(Body::from_stream(rest)).unwrap()
}

#[tokio::test]
async fn documents_that_do_not_end_leave_memory_for_others() {
    let settings = ServerSettings::default().with_json_budget(8_000);
    let (server, _) = answering_with(created(), settings);
    let running = start(server.router(), ConnectionSettings::default()).await;
    let hostile = http_2(HOSTILE, running.address).await;
    let mut held = JoinSet::new();
    for _ in 0..10 {
        let mut hostile = hostile.clone();
        held.spawn(async move {
            hostile.ready().await.unwrap();
            let response = hostile.send_request(begun(&" ".repeat(1_000))).await;
            response.unwrap().status()
        });
    }
    for _ in 0..3 {
        let status = held.join_next().await.unwrap().unwrap();
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    }
    let mut other = http_2(OTHER, running.address).await;
    let request = Request::post("http://a/senders/app/transactions");
    let request = request.header("content-type", "application/json");
    let created = other
        .send_request(request.body(Body::from(CREATE)).unwrap())
        .await;
    assert_eq!(created.unwrap().status(), StatusCode::CREATED);
    assert_eq!(held.len(), 7);
}

#[tokio::test]
async fn responses_that_are_not_read_leave_memory_for_others() {
    let (server, _) = answering(current("1"));
    let large = send(server.router(), empty(request("GET", "/openapi.json"))).await;
    let budget = large.text.len() as u64 * 8;
    let settings = ServerSettings::default().with_answers_budget(budget);
    let (server, _) = answering_with(current("1"), settings);
    let running = start(server.router(), ConnectionSettings::default()).await;
    let stream = connect_from(HOSTILE, running.address).await;
    // It lets the server send the first octet of each response.
    let mut reads_nothing = http2::Builder::new(TokioExecutor::new());
    reads_nothing.initial_stream_window_size(1);
    let handshake = reads_nothing.handshake(TokioIo::new(stream));
    let (mut hostile, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    let mut unread = Vec::new();
    for _ in 0..7 {
        hostile.ready().await.unwrap();
        let response = hostile.send_request(ask("/openapi.json", None)).await;
        let response = response.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let (_, mut content) = response.into_parts();
        assert_eq!(
            content
                .frame()
                .await
                .unwrap()
                .unwrap()
                .into_data()
                .unwrap()
                .len(),
            1
        );
        unread.push(content);
    }
    let refused = hostile.send_request(ask(IS_ANSWERED, None)).await.unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    let other = http_2(OTHER, running.address).await;
    assert_eq!(status(&other, None).await, StatusCode::OK);
    // What it gives up comes back.
    unread.clear();
    while status(&hostile, None).await != StatusCode::OK {}
}

/// Notes which clients were refused.
#[derive(Debug)]
struct TurnedAway(Arc<Semaphore>);

impl Observer for TurnedAway {
    fn observe(&self, event: &Event<'_>) {
        if let Event::TurnedAway(connection) = event {
            assert_eq!(connection.remote_host.unwrap().ip(), HOSTILE);
            self.0.add_permits(1);
        }
    }
}

#[tokio::test]
async fn idle_connections_of_one_client_leave_room_for_others() {
    let turned_away = Arc::new(Semaphore::new(0));
    let mut settings =
        ConnectionSettings::default().with_observers(TurnedAway(Arc::clone(&turned_away)).into());
    settings.max_connections = 80;
    let running = start(answering(current("1")).0.router(), settings).await;
    let mut idle = Vec::new();
    for _ in 0..100 {
        idle.push(connect_from(HOSTILE, running.address).await);
    }
    turned_away.acquire_many(30).await.unwrap().forget();
    let mut other = connect_from(OTHER, running.address).await;
    other.write_all(READ).await.unwrap();
    let mut answer = Vec::new();
    other.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
    drop(idle.split_off(1));
}

#[tokio::test]
async fn who_has_too_many_connections_is_told_when_to_come_back() {
    let mut settings = ConnectionSettings::default();
    settings.max_connections_per_client = 1;
    let running = start(answering(current("1")).0.router(), settings).await;
    let _first = connect_from(HOSTILE, running.address).await;
    let mut second = connect_from(HOSTILE, running.address).await;
    second.write_all(READ).await.unwrap();
    let mut answer = Vec::new();
    second.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("\r\nRetry-After: "), "{answer}");
}

#[tokio::test]
async fn http_2_without_requests_is_ended() {
    let mut settings = ConnectionSettings::default();
    settings.header_read_timeout = Duration::from_millis(50);
    settings.idle_timeout = Duration::from_millis(50);
    let running = start(answering(current("1")).0.router(), settings).await;
    connect_and_be_ended(running.address).await;
}

/// Sends a request that is answered, and waits until the server closes the idle connection.
async fn connect_and_be_ended(server: SocketAddr) {
    let stream = connect_from(OTHER, server).await;
    let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (client, connection) = handshake.await.unwrap();
    let ended = tokio::spawn(connection);
    assert_eq!(status(&client, None).await, StatusCode::OK);
    ended.await.unwrap().unwrap();
}

#[tokio::test]
async fn http_2_with_a_request_under_way_is_not_ended() {
    let (begun, go_on) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let notify = (Arc::clone(&begun), Arc::clone(&go_on));
    let service = service_fn(move |request: ResourceRequest| {
        let (begun, go_on) = notify.clone();
        async move {
            if is_hanging(&request) {
                begun.add_permits(1);
                go_on.acquire().await.unwrap().forget();
            }
            Ok::<_, BoxError>(current("1"))
        }
    });
    let mut settings = ConnectionSettings::default();
    settings.header_read_timeout = Duration::from_millis(1);
    settings.idle_timeout = Duration::from_millis(1);
    let server = Server::new(service, ServerSettings::default());
    let running = start(server.router(), settings).await;
    let client = http_2(OTHER, running.address).await;
    let waiting = tokio::spawn(async move {
        let mut client = client;
        let response = client.send_request(ask(HANGS, None)).await;
        response.unwrap().status()
    });
    begun.acquire().await.unwrap().forget();
    // Other connections are closed during that time.
    for _ in 0..3 {
        connect_and_be_ended(running.address).await;
    }
    go_on.add_permits(1);
    assert_eq!(waiting.await.unwrap(), StatusCode::OK);
}
