use koukan_core::test_util::Authority;
use koukan_rest::client::{Client, ClientError, ClientSettings};
use tokio::net::TcpListener;

use crate::{
    peer::{ask, read},
    server::Counter,
};

struct Server {
    url: String,
    counter: Counter,
    ca: String,
}

/// A server with a certificate of an authority of its own.
async fn server(protocols: &[&str]) -> Server {
    let authority = Authority::new();
    let tls = authority.server("localhost");
    let tls = tls.with_protocols(protocols.iter().copied());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let counter = Counter::default();
    let counting = counter.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (tls, counting) = (tls.clone(), counting.clone());
            tokio::spawn(async move {
                if let Ok(stream) = tls.accept(stream).await {
                    counting.serve(stream).await;
                }
            });
        }
    });
    Server {
        url: format!("https://localhost:{port}"),
        counter,
        ca: authority.pem(),
    }
}

#[tokio::test]
async fn a_given_authority_is_believed() {
    let server = server(&["http/1.1"]).await;
    let settings = ClientSettings::default().with_ca(server.ca);
    let client = Client::new(&server.url, settings).unwrap();
    ask(&client, read()).await.unwrap();
    assert_eq!((server.counter.connections(), server.counter.h2()), (1, 0));
}

#[tokio::test]
async fn http_2_is_spoken_where_it_is_offered() {
    let server = server(&["h2", "http/1.1"]).await;
    let settings = ClientSettings::default().with_ca(server.ca);
    let client = Client::new(&server.url, settings).unwrap();
    ask(&client, read()).await.unwrap();
    assert_eq!(server.counter.h2(), 1);
}

#[tokio::test]
async fn another_authority_and_another_name_are_not_believed() {
    let server = server(&[]).await;
    let other = self::server(&[]).await;
    let by_address = server.url.replace("localhost", "127.0.0.1");
    for (url, ca) in [
        (&server.url, Some(&other.ca)),
        (&server.url, None),
        (&by_address, Some(&server.ca)),
    ] {
        let mut settings = ClientSettings::default().with_repetitions_max(0);
        if let Some(ca) = ca {
            settings = settings.with_ca(ca.clone());
        }
        let client = Client::new(url, settings).unwrap();
        let error = ask(&client, read()).await.unwrap_err();
        assert!(matches!(error, ClientError::Unreachable(_)), "{error:?}");
    }
    assert_eq!(server.counter.connections(), 0);
}

#[tokio::test]
async fn what_is_no_certificate_is_refused() {
    for pem in ["", "hello"] {
        let settings = ClientSettings::default().with_ca(pem);
        let error = Client::new("https://localhost", settings).unwrap_err();
        assert!(matches!(error, ClientError::Certificates(_)), "{error:?}");
    }
}
