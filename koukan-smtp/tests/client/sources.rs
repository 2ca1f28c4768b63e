//! Connections come from the addresses that are set.

use std::sync::Arc;

use koukan_core::{
    network::{SystemResolver, TcpConnector},
    reply::Reply,
};
use koukan_smtp::client::{ClientSettings, SmtpEndpoint, SourceAddresses};
use tokio::net::TcpListener;

use super::{
    exchanges::IN_A_BLOCK,
    script,
    sending::{assert_own, hello, send},
};

/// An endpoint for that host, which it connects to from these addresses.
fn endpoint(host: &str, sources: SourceAddresses) -> SmtpEndpoint {
    let settings = ClientSettings::new("me.example").unwrap();
    let settings = settings.with_hosts([host.parse().unwrap()]);
    let (connector, resolver) = (Arc::new(TcpConnector), Arc::new(SystemResolver));
    SmtpEndpoint::with_network(settings.with_sources(sources), connector, resolver)
}

#[tokio::test]
async fn each_endpoint_and_each_host_has_connections_of_its_own_address() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let script = hello("PIPELINING CHUNKING") + IN_A_BLOCK + IN_A_BLOCK + "C: QUIT\nS: 221 bye";
    let server = tokio::spawn(async move {
        let (mut serving, mut sources) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            let (stream, from) = listener.accept().await.unwrap();
            sources.push(from.ip().to_string());
            serving.push(tokio::spawn(script::follow(script.clone(), stream)));
        }
        for serving in serving {
            serving.await.unwrap();
        }
        sources
    });
    let ip = |text: &str| text.parse().unwrap();
    let mut of_host = SourceAddresses::new([ip("127.0.0.2")]);
    of_host.set(&host.parse().unwrap(), [ip("127.0.0.3")]);
    let endpoints = [
        SourceAddresses::new([ip("127.0.0.2")]),
        of_host,
        // Of the other family: the system chooses.
        SourceAddresses::new([ip("::1")]),
    ];
    let endpoints = endpoints.map(|sources| endpoint(&host, sources));
    for _ in 0..2 {
        for endpoint in &endpoints {
            let replies = send(endpoint, &["b"], "hi\r\n").await;
            assert_eq!(replies[2], "250 queued");
        }
    }
    for endpoint in &endpoints {
        endpoint.close().await;
    }
    assert_eq!(
        server.await.unwrap(),
        ["127.0.0.2", "127.0.0.3", "127.0.0.1"]
    );
}

#[tokio::test]
async fn an_address_of_another_machine_is_told_and_the_host_is_not_down_for_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let endpoint = endpoint(&host, SourceAddresses::new(["192.0.2.1".parse().unwrap()]));
    for _ in 0..4 {
        let replies = send(&endpoint, &["b"], "hi\r\n").await;
        assert_own(&replies[2], &Reply::local_error(), &host, "");
        assert!(
            replies[2].ends_with("from the address that is set for it"),
            "{replies:?}"
        );
        assert!(!replies[2].contains("192.0.2.1"), "{replies:?}");
    }
}
