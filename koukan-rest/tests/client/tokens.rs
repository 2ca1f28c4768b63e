use koukan_core::{
    body::Body,
    resource::{Location, Operation, Read, WaitFor},
};
use koukan_rest::client::{Client, ClientSettings};
use serde_json::{Value, json};

use crate::peer::{Peer, ask, read, upload};

const BEARER: &str = "Bearer secret";

fn settings() -> ClientSettings {
    ClientSettings::default().with_token("secret")
}

async fn peer() -> Peer {
    Peer::answering(json!({"body": "{}"})).await
}

async fn authorization(peer: &mut Peer) -> Value {
    peer.next("request").await["headers"]["authorization"].clone()
}

#[tokio::test]
async fn the_token_goes_to_its_server() {
    let mut peer = peer().await;
    ask(&peer.client_with(settings()), read()).await.unwrap();
    assert_eq!(authorization(&mut peer).await, BEARER);
}

#[tokio::test]
async fn the_token_goes_to_no_other_server() {
    let mut other = peer().await;
    let here = peer().await;
    let client = here.client_with(settings().with_other_url(&other.url()));
    let elsewhere = Operation::Read(Read {
        transaction: Location::new(format!("{}/transactions/T", other.url())),
        if_none_match: None,
        wait: None,
        wait_for: WaitFor::End,
    });
    ask(&client, elsewhere).await.unwrap();
    assert_eq!(authorization(&mut other).await, Value::Null);
    let to = format!("{}/transactions/T/body", other.url());
    ask(&client, upload(&to, Body::empty())).await.unwrap();
    assert_eq!(authorization(&mut other).await, Value::Null);
}

#[tokio::test]
async fn a_redirect_takes_the_token_to_servers_that_may_see_it_only() {
    let mut there = peer().await;
    let location = format!("{}/transactions/T", there.url());
    let mut here = Peer::answering(json!({"status": 308, "headers": {"Location": location}})).await;
    let client = here.client_with(settings().with_other_url(&there.url()));
    ask(&client, read()).await.unwrap();
    assert_eq!(authorization(&mut here).await, BEARER);
    assert_eq!(authorization(&mut there).await, Value::Null);

    let settings = settings().with_token_for(&there.url());
    ask(&here.client_with(settings), read()).await.unwrap();
    assert_eq!(authorization(&mut there).await, BEARER);
}

#[tokio::test]
async fn the_token_is_not_shown() {
    let client = Client::new("http://localhost:1", settings()).unwrap();
    assert!(!format!("{client:?} {:?}", settings()).contains("secret"));
    assert!(Client::new("http://a", ClientSettings::default().with_token("a\nb")).is_err());
}

#[tokio::test]
async fn urls_that_cannot_be_asked_are_refused() {
    for url in [
        "",
        "localhost:8000",
        "ftp://a",
        "http://u:p@a",
        "http://a?b",
    ] {
        assert!(
            Client::new(url, ClientSettings::default()).is_err(),
            "{url}"
        );
    }
    let settings = settings().with_token_for("elsewhere");
    assert!(Client::new("http://a", settings).is_err());
}
