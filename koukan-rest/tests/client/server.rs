//! Servers in this process.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::Full;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};

/// Counts connections and requests by HTTP/2.
#[derive(Clone, Default)]
pub(crate) struct Counter {
    connections: Arc<AtomicUsize>,
    h2: Arc<AtomicUsize>,
}

impl Counter {
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Requests by HTTP/2.
    pub(crate) fn h2(&self) -> usize {
        self.h2.load(Ordering::SeqCst)
    }

    /// Answers the requests of one connection with an empty transaction.
    pub(crate) async fn serve(self, io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        self.connections.fetch_add(1, Ordering::SeqCst);
        let answer = service_fn(move |request: Request<Incoming>| {
            if request.version() == Version::HTTP_2 {
                self.h2.fetch_add(1, Ordering::SeqCst);
            }
            async {
                Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from_static(
                    b"{}",
                ))))
            }
        });
        let builder = auto::Builder::new(TokioExecutor::new());
        let _ = builder.serve_connection(TokioIo::new(io), answer).await;
    }
}

pub(crate) fn counting(listener: TcpListener) -> Counter {
    let counter = Counter::default();
    let counting = counter.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(counting.clone().serve(stream));
        }
    });
    counter
}

#[tokio::test]
async fn http_2_is_spoken_without_tls_where_it_is_known() {
    use koukan_rest::client::{Client, ClientSettings};

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = counting(listener);
    let settings = ClientSettings::default().with_http2(true);
    let client = Client::new(&url, settings).unwrap();
    crate::peer::ask(&client, crate::peer::read())
        .await
        .unwrap();
    assert_eq!(server.h2(), 1);
}
