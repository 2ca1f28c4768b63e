//! Header fields and their special cases.

use std::time::Duration;

use axum::http::StatusCode;
use koukan_core::resource::{Operation, ResourceResponse, Version};
use koukan_rest::server::ServerSettings;

use crate::support::{
    CREATE, answering, answering_with, created, current, empty, json_request, only, request, send,
    with,
};

#[tokio::test]
async fn waits_are_capped() {
    for (name, value) in [("request-timeout", "1000"), ("prefer", "wait=1000")] {
        let settings = ServerSettings::default().with_max_wait(Duration::from_secs(3));
        let (server, asked) = answering_with(current("1"), settings);
        let request = request("GET", "/transactions/T").header(name, value);
        let answer = send(server.router(), empty(request)).await;
        let Operation::Read(read) = only(&asked) else {
            panic!("not a read");
        };
        assert_eq!(read.wait, Some(Duration::from_secs(3)));
        let applied = if name == "prefer" { "wait=3" } else { "" };
        assert_eq!(answer.header("preference-applied"), applied);
    }
}

#[tokio::test]
async fn a_create_may_wait_too() {
    let (server, asked) = answering(created());
    let mut request = json_request("POST", "/senders/app/transactions", CREATE);
    let headers = request.headers_mut();
    headers.insert("request-timeout", "5".parse().unwrap());
    headers.insert("prefer", "wait=10".parse().unwrap());
    let answer = send(server.router(), request).await;
    assert_eq!(answer.header("preference-applied"), "");
    let Operation::Create(create) = only(&asked) else {
        panic!("not a create");
    };
    assert_eq!(create.wait, Some(Duration::from_secs(5)));
}

#[tokio::test]
async fn a_wait_that_makes_no_sense_is_malformed() {
    let (server, _) = answering(current("1"));
    let request = request("GET", "/transactions/T").header("request-timeout", "soon");
    let answer = send(server.router(), empty(request)).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.detail().starts_with("request-timeout"));
}

/// A transaction of version 2 that does not change.
fn second_version(operation: Operation) -> ResourceResponse {
    let version = Version::new("2");
    match operation {
        Operation::Read(read) if read.if_none_match == Some(version.clone()) => {
            ResourceResponse::Unchanged(version)
        }
        Operation::Append(append) => current(append.if_match.as_ref().map_or("", Version::as_str)),
        _ => current("2"),
    }
}

#[tokio::test]
async fn any_of_the_known_versions_will_do() {
    for (known, status) in [
        ("2", StatusCode::NOT_MODIFIED),
        ("\"1\", \"2\"", StatusCode::NOT_MODIFIED),
        ("\"1\", W/\"2\"", StatusCode::NOT_MODIFIED),
        ("*", StatusCode::NOT_MODIFIED),
        ("\"1\", \"3\"", StatusCode::OK),
        ("1", StatusCode::OK),
        ("", StatusCode::BAD_REQUEST),
    ] {
        let request = request("GET", "/transactions/T").header("if-none-match", known);
        let answer = send(with(second_version).router(), empty(request)).await;
        assert_eq!(answer.status, status, "{known}");
    }
}

#[tokio::test]
async fn each_view_has_versions_of_its_own() {
    for prefer in ["wait=0", "view=full"] {
        let read = |known: &str| {
            let request = request("GET", "/transactions/T").header("prefer", prefer);
            let request = request.header("if-none-match", known);
            send(with(second_version).router(), empty(request))
        };
        let own = read("1").await;
        assert_eq!(own.status, StatusCode::OK);
        let vary = own.headers.get_all("vary");
        assert!(vary.iter().any(|vary| vary == "prefer"), "{vary:?}");
        let own = own.header("etag").to_owned();
        let again = read(&own).await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED);
        assert_eq!(again.header("etag"), own);
        let other = match own.strip_suffix("-full\"") {
            Some(version) => format!("{version}\""),
            None => own.replacen("2", "2-full", 1),
        };
        assert_eq!(read(&other).await.status, StatusCode::OK, "{other}");
        // A change refers to a version, from whichever view the client has it.
        for version in [&own, &other] {
            let change = request("PATCH", "/transactions/T").header("if-match", version);
            let answer = send(with(second_version).router(), empty(change)).await;
            assert_eq!(answer.header("etag"), "\"2\"");
        }
    }
}

#[tokio::test]
async fn a_change_is_of_the_version_that_matches() {
    for (versions, chosen) in [
        ("\"9\"", "\"9\""),
        ("1, 2", "\"2\""),
        ("*", "\"2\""),
        ("7, 8", "\"7\""),
    ] {
        let request = request("PATCH", "/transactions/T").header("if-match", versions);
        let answer = send(with(second_version).router(), empty(request)).await;
        assert_eq!(answer.header("etag"), chosen, "{versions}");
    }
}

#[tokio::test]
async fn idempotency_keys_are_short_and_visible() {
    let long = "k".repeat(256);
    for (key, status) in [
        ("k", StatusCode::CREATED),
        (&long[1..], StatusCode::CREATED),
        ("", StatusCode::BAD_REQUEST),
        ("a b", StatusCode::BAD_REQUEST),
        (&long, StatusCode::BAD_REQUEST),
    ] {
        let (server, _) = answering(created());
        let mut request = json_request("POST", "/senders/app/transactions", CREATE);
        let headers = request.headers_mut();
        headers.insert("idempotency-key", key.parse().unwrap());
        let answer = send(server.router(), request).await;
        assert_eq!(answer.status, status, "{key}");
    }
}

#[tokio::test]
async fn locations_are_those_of_the_base_url_whatever_the_client_says() {
    for (base_url, host, expected) in [
        (
            Some("https://a.example/"),
            "b",
            "https://a.example/transactions/T",
        ),
        (None, "b.example", "http://b.example/transactions/T"),
        (None, "x@b.example", "/transactions/T"),
    ] {
        let mut settings = ServerSettings::default();
        settings.base_url = base_url.map(Into::into);
        let (server, _) = answering_with(created(), settings);
        let mut request = json_request("POST", "/senders/app/transactions", CREATE);
        request.headers_mut().insert("host", host.parse().unwrap());
        let answer = send(server.router(), request).await;
        assert_eq!(answer.header("location"), expected);
    }
}
