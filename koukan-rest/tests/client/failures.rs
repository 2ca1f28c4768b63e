use std::time::Duration;

use bytes::Bytes;
use koukan_core::{
    body::Body,
    resource::{Append, Draft, Location, Operation, Read, ResourceResponse, Version, WaitFor},
};
use koukan_rest::client::{Client, ClientError, ClientSettings};
use serde_json::json;
use tokio::{
    net::{TcpListener, TcpSocket},
    time::Instant,
};

use crate::peer::{Peer, ask, create, create_with_key, read, upload};

/// A peer whose first connections end without an answer.
async fn unsteady(times: usize) -> Peer {
    Peer::start(json!([
        {"close": true, "times": times},
        {"status": 201, "body": "{}", "headers": {"Location": "/transactions/T"}},
    ]))
    .await
}

async fn requests(mut peer: Peer) -> usize {
    let mut requests = 0;
    while !peer.is_silent().await {
        requests += 1;
    }
    requests
}

#[tokio::test]
async fn reads_and_creates_with_a_key_are_repeated() {
    for operation in [
        read(),
        create_with_key(),
        Operation::Cancel(Location::new("/transactions/T")),
    ] {
        let peer = unsteady(2).await;
        let response = ask(&peer.client(), operation).await.unwrap();
        assert!(!matches!(response, ResourceResponse::Refused(_)));
        assert_eq!(requests(peer).await, 3);
    }
}

#[tokio::test]
async fn requests_are_repeated_a_few_times_only() {
    let peer = unsteady(9).await;
    let error = ask(&peer.client(), read()).await.unwrap_err();
    assert!(matches!(error, ClientError::Unanswered(_)), "{error:?}");
    assert_eq!(requests(peer).await, 3);
}

#[tokio::test]
async fn what_may_have_been_done_is_not_done_again() {
    let append = Operation::Append(Box::new(Append {
        transaction: Location::new("/transactions/T"),
        if_match: Some(Version::new("1")),
        draft: Draft::default(),
        rcpt_to_list_offset: None,
    }));
    let upload = upload(
        "/transactions/T/body",
        Body::from(Bytes::from_static(b"hello")),
    );
    for operation in [create(), append, upload] {
        let peer = unsteady(1).await;
        let error = ask(&peer.client(), operation).await.unwrap_err();
        assert!(matches!(error, ClientError::Unanswered(_)), "{error:?}");
        assert_eq!(requests(peer).await, 1);
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    // Bound but not listening, so that no other process gets the port during the test.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    let client = Client::new(&url, ClientSettings::default()).unwrap();
    let body = Body::from(Bytes::from_static(b"hello"));
    for operation in [read(), create(), upload("/transactions/T/body", body)] {
        let error = ask(&client, operation).await.unwrap_err();
        assert!(matches!(error, ClientError::Unreachable(_)), "{error:?}");
    }
}

#[tokio::test]
async fn an_answer_may_not_take_for_ever_but_as_long_as_the_wait_that_was_asked_for() {
    let peer = Peer::answering(json!({"stall": 1.2, "body": "{}"})).await;
    let settings = ClientSettings::default()
        .with_connect_timeout(Duration::from_millis(100))
        .with_response_timeout(Duration::from_millis(300));
    let client = peer.client_with(settings);
    let begun = Instant::now();
    let error = ask(&client, read()).await.unwrap_err();
    assert!(matches!(error, ClientError::Elapsed), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(1));
    let waiting = Operation::Read(Read {
        transaction: Location::new("/transactions/T"),
        if_none_match: None,
        wait: Some(Duration::from_secs(2)),
        wait_for: WaitFor::End,
    });
    ask(&client, waiting).await.unwrap();
}

#[tokio::test]
async fn an_answer_that_stops_halfway_is_given_up() {
    let peer = Peer::answering(json!({"trickle": 5, "body": "{}"})).await;
    let settings = ClientSettings::default().with_idle_timeout(Duration::from_millis(200));
    let error = ask(&peer.client_with(settings), read()).await.unwrap_err();
    assert!(matches!(error, ClientError::Elapsed), "{error:?}");
}

#[tokio::test]
async fn a_server_that_never_finishes_tls_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let settings = ClientSettings::default()
        .with_connect_timeout(Duration::from_millis(200))
        .with_repetitions_max(0);
    let client = Client::new(&url, settings).unwrap();
    let error = ask(&client, read()).await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable(_)), "{error:?}");
}

#[tokio::test]
async fn connections_are_kept() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = crate::server::counting(listener);
    let client = Client::new(&url, ClientSettings::default()).unwrap();
    for _ in 0..5 {
        ask(&client.clone(), read()).await.unwrap();
    }
    assert_eq!(server.connections(), 1);
}
