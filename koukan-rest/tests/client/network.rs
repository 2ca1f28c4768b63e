//! The servers to which a client connects, depending on how names are resolved.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use koukan_core::{
    causes::Causes,
    test_util::{ScriptedConnector, ScriptedResolver},
};
use koukan_rest::client::{Client, ClientError, ClientSettings};
use tokio::time::Instant;

use crate::{
    peer::{ask, read},
    server::Counter,
};

/// Servers at every address.
fn connector() -> ScriptedConnector {
    ScriptedConnector::new(|_, io| {
        tokio::spawn(Counter::default().serve(io));
    })
}

fn client(url: &str, connector: &ScriptedConnector, resolver: &ScriptedResolver) -> Client {
    let (connector, resolver) = (Arc::new(connector.clone()), Arc::new(resolver.clone()));
    let settings = ClientSettings::default().with_network(connector, resolver);
    let settings = settings.with_connect_timeout(Duration::from_secs(10));
    Client::new(url, settings.with_repetitions_max(0)).unwrap()
}

fn asked(connector: &ScriptedConnector) -> Vec<String> {
    let asked = connector.asked().into_iter();
    asked.map(|address| address.to_string()).collect()
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// A host with an address of each family, and another host.
fn resolver() -> ScriptedResolver {
    let addresses = ["2001:db8::1", "192.0.2.1", "192.0.2.2"].map(|ip| ip.parse().unwrap());
    ScriptedResolver::new().with_addresses("mail.example.com", addresses)
}

const URL: &str = "http://mail.example.com:8000";

#[tokio::test(start_paused = true)]
async fn the_next_address_is_tried_at_once_where_one_is_refused() {
    let connector = connector()
        .with_refused(address("[2001:db8::1]:8000"))
        .with_refused(address("192.0.2.1:8000"));
    let begun = Instant::now();
    ask(&client(URL, &connector, &resolver()), read())
        .await
        .unwrap();
    let tried = ["[2001:db8::1]:8000", "192.0.2.1:8000", "192.0.2.2:8000"];
    assert_eq!(asked(&connector), tried);
    assert!(begun.elapsed() < Duration::from_millis(250));
}

#[tokio::test(start_paused = true)]
async fn an_address_that_does_not_answer_has_a_head_start_only() {
    let silent = address("[2001:db8::1]:8000");
    let connector = connector().with_silent(silent);
    let begun = Instant::now();
    ask(&client(URL, &connector, &resolver()), read())
        .await
        .unwrap();
    assert_eq!(asked(&connector), ["[2001:db8::1]:8000", "192.0.2.1:8000"]);
    assert_eq!(begun.elapsed().as_millis(), 250);
}

#[tokio::test(start_paused = true)]
async fn where_no_address_answers_the_time_to_connect_runs_out() {
    let silent = ["[2001:db8::1]:8000", "192.0.2.1:8000", "192.0.2.2:8000"].map(address);
    let connector = silent
        .into_iter()
        .fold(connector(), ScriptedConnector::with_silent);
    let begun = Instant::now();
    let error = ask(&client(URL, &connector, &resolver()), read()).await;
    assert!(matches!(error, Err(ClientError::Unreachable(_))));
    assert_eq!(begun.elapsed().as_secs(), 10);
    assert_eq!(connector.asked(), silent);
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_told_and_nobody_is_connected_to() {
    for (resolver, told) in [
        (ScriptedResolver::new(), "there is no such name"),
        (
            ScriptedResolver::new().with_failure("mail.example.com"),
            "the look-up failed",
        ),
        (
            ScriptedResolver::new().with_addresses("mail.example.com", []),
            "the host has no address",
        ),
    ] {
        let connector = connector();
        let error = ask(&client(URL, &connector, &resolver), read()).await;
        let error = error.unwrap_err();
        assert!(matches!(error, ClientError::Unreachable(_)), "{error:?}");
        let causes = Causes(&error).to_string();
        assert!(causes.contains(told), "{causes}");
        assert!(connector.asked().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn addresses_and_ports_are_those_of_the_url() {
    for (url, connected) in [
        ("http://mail.example.com", "[2001:db8::1]:80"),
        ("http://MAIL.example.com.:81/path", "[2001:db8::1]:81"),
        ("http://192.0.2.7", "192.0.2.7:80"),
        ("http://[2001:db8::7]:8001", "[2001:db8::7]:8001"),
        // The server does not use TLS.
        ("https://mail.example.com", "[2001:db8::1]:443"),
    ] {
        let (connector, resolver) = (connector(), resolver());
        let response = ask(&client(url, &connector, &resolver), read()).await;
        assert_eq!(response.is_ok(), !url.starts_with("https"), "{url}");
        assert_eq!(asked(&connector)[0], connected, "{url}");
        let is_named = url.contains("example.com");
        assert_eq!(!resolver.asked().is_empty(), is_named, "{url}");
    }
}
