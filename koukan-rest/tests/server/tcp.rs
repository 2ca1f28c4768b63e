//! The server over real connections.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use koukan_core::{
    body::BodyError,
    resource::{Operation, ResourceRequest, ResourceResponse},
};
use koukan_rest::server::{ConnectionSettings, Server, ServerSettings, serve_with};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Notify, mpsc, oneshot},
    task::JoinHandle,
};
use tower::{BoxError, service_fn};

use crate::support::{answering, current};

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    ended: JoinHandle<std::io::Result<()>>,
}

impl Running {
    /// Stops the server, and waits until it has ended.
    pub(crate) async fn stop(mut self) {
        self.begin_to_stop();
        self.ended().await;
    }

    pub(crate) fn begin_to_stop(&mut self) {
        let stop = self.stop.take().expect("it is stopped once");
        let _ = stop.send(());
    }

    pub(crate) async fn ended(self) {
        self.ended.await.unwrap().unwrap();
    }
}

pub(crate) async fn start(router: Router, settings: ConnectionSettings) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let stopped = async {
        let _ = stopped.await;
    };
    let ended = tokio::spawn(serve_with(listener, router, settings, stopped));
    Running {
        address,
        stop: Some(stop),
        ended,
    }
}

fn hasty() -> ConnectionSettings {
    let mut settings = ConnectionSettings::default();
    settings.header_read_timeout = Duration::from_millis(50);
    settings
}

const READ: &[u8] = b"GET /transactions/T HTTP/1.1\r\nHost: a\r\n\r\n";

#[tokio::test]
async fn http_1_is_answered_and_the_connection_kept() {
    let running = start(
        answering(current("1")).0.router(),
        ConnectionSettings::default(),
    )
    .await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    for _ in 0..2 {
        stream.write_all(READ).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"}") {
            assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0);
        }
        assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
    }
}

#[tokio::test]
async fn http_2_is_answered_without_tls() {
    use hyper_util::rt::{TokioExecutor, TokioIo};

    let running = start(
        answering(current("1")).0.router(),
        ConnectionSettings::default(),
    )
    .await;
    let stream = TcpStream::connect(running.address).await.unwrap();
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    let request = axum::http::Request::get("http://a/transactions/T");
    let request = request.body(axum::body::Body::empty()).unwrap();
    let response = client.send_request(request).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.version(), axum::http::Version::HTTP_2);
}

#[tokio::test]
async fn clients_that_do_not_ask_are_closed() {
    let running = start(answering(current("1")).0.router(), hasty()).await;
    // Nothing, the beginning of HTTP/2, and half of a request's head.
    for begun in [&b""[..], b"PRI * HT", b"GET / HTTP/1.1\r\nHos"] {
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        stream.write_all(begun).await.unwrap();
        let mut answer = Vec::new();
        // A reset counts as the end.
        let _ = stream.read_to_end(&mut answer).await;
    }
}

#[tokio::test]
async fn clients_that_ask_no_more_are_closed() {
    let running = start(answering(current("1")).0.router(), hasty()).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(READ).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn a_client_that_goes_away_does_not_end_its_upload() {
    let (ends, mut ended) = mpsc::channel(1);
    let (first, begun) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let chunk = (Arc::clone(&first), Arc::clone(&begun));
    let service = service_fn(move |request: ResourceRequest| {
        let (ends, (first, begun)) = (ends.clone(), chunk.clone());
        async move {
            let Operation::Upload(mut upload) = request.operation else {
                return Err::<_, BoxError>("not an upload".into());
            };
            // The handler does the same with work that must not be dropped half-way.
            let end = tokio::spawn(async move {
                upload.content.next().await?;
                first.notify_one();
                begun.notified().await;
                while upload.content.next().await?.is_some() {}
                Ok::<_, BodyError>(())
            });
            ends.send(end).await?;
            std::future::pending().await
        }
    });
    let server = Server::new(service, ServerSettings::default());
    let running = start(server.router(), ConnectionSettings::default()).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let head = b"PUT /transactions/T/body HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello";
    stream.write_all(head).await.unwrap();
    first.notified().await;
    drop(stream);
    begun.notify_one();
    let end = ended.recv().await.unwrap().await.unwrap();
    assert!(end.unwrap_err().is_aborted());
}

/// Reports when it is dropped.
struct Guard(Arc<Notify>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[tokio::test]
async fn nobody_waits_for_a_client_that_has_closed_its_side() {
    let (begun, dropped) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let notify = (Arc::clone(&begun), Arc::clone(&dropped));
    let service = service_fn(move |_: ResourceRequest| {
        let (begun, dropped) = notify.clone();
        async move {
            let _guard = Guard(dropped);
            begun.notify_one();
            std::future::pending::<Result<ResourceResponse, BoxError>>().await
        }
    });
    let server = Server::new(service, ServerSettings::default());
    let running = start(server.router(), ConnectionSettings::default()).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(READ).await.unwrap();
    begun.notified().await;
    stream.shutdown().await.unwrap();
    dropped.notified().await;
}

#[tokio::test]
async fn requests_that_have_begun_are_answered_before_the_end() {
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let notify = (Arc::clone(&begun), Arc::clone(&go_on));
    let service = service_fn(move |_: ResourceRequest| {
        let (begun, go_on) = notify.clone();
        async move {
            begun.notify_one();
            go_on.notified().await;
            Ok::<_, BoxError>(current("1"))
        }
    });
    let server = Server::new(service, ServerSettings::default());
    let mut running = start(server.router(), ConnectionSettings::default()).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(READ).await.unwrap();
    begun.notified().await;
    running.begin_to_stop();
    go_on.notify_one();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
    running.ended.await.unwrap().unwrap();
    assert!(TcpStream::connect(running.address).await.is_err());
}

#[tokio::test]
async fn requests_that_do_not_end_are_given_up() {
    let begun = Arc::new(Notify::new());
    let notify = Arc::clone(&begun);
    let service = service_fn(move |_: ResourceRequest| {
        notify.notify_one();
        std::future::pending::<Result<ResourceResponse, BoxError>>()
    });
    let mut settings = ConnectionSettings::default();
    settings.drain_timeout = Duration::from_millis(10);
    let server = Server::new(service, ServerSettings::default());
    let mut running = start(server.router(), settings).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(READ).await.unwrap();
    begun.notified().await;
    running.begin_to_stop();
    running.ended.await.unwrap().unwrap();
    assert_eq!(stream.read(&mut [0; 1]).await.unwrap_or(0), 0);
}
