//! The rights of each token.

use std::sync::Arc;

use axum::http::StatusCode;
use jiff::Timestamp;
use koukan_core::{
    clock::{Clock, SystemClock},
    resource::{Caller, Role},
    shares::Client,
};
use koukan_rest::{
    auth::{Auth, Token, generate_token},
    server::ServerSettings,
};

use crate::support::{
    Answer, Asked, CREATE, answering, answering_with, created, current, empty, json_request,
    request, send,
};

#[derive(Debug)]
struct At(i64);

impl Clock for At {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0).unwrap()
    }
}

/// Tokens of an application and of a gateway, and one that expires at second 100. The time is second `now`.
fn auth(now: i64) -> (Auth, [String; 3]) {
    let secrets = [generate_token(), generate_token(), generate_token()];
    let token = |at: usize| Token::from_hex("t", &secrets[at].1).unwrap();
    let app = Token {
        senders: Some(vec!["app".into()]),
        ..token(0)
    };
    let gateway = Token {
        trusted: true,
        ..token(1)
    };
    let expiring = Token {
        expires: Some(Timestamp::from_second(100).unwrap()),
        ..token(2)
    };
    let auth = Auth::new([app, gateway, expiring], Arc::new(At(now)));
    (auth, secrets.map(|(secret, _)| format!("Bearer {secret}")))
}

async fn read(auth: Auth, authorization: &str) -> (Answer, Asked) {
    let (server, asked) = answering(current("1"));
    let request = request("GET", "/transactions/T").header("authorization", authorization);
    let answer = send(server.with_auth(auth).router(), empty(request)).await;
    (answer, asked)
}

#[tokio::test]
async fn without_a_token_nothing_is_answered() {
    for authorization in [None, Some("Basic YTpi"), Some("Bearer "), Some("Bearer")] {
        let (server, asked) = answering(current("1"));
        let mut request = request("GET", "/transactions/T");
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        let answer = send(server.with_auth(auth(0).0).router(), empty(request)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{authorization:?}");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        assert!(answer.detail().contains("token"));
        assert!(asked.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_token_that_is_unknown_or_expired_is_told_from_none() {
    let (auth, [.., expiring]) = auth(100);
    for (authorization, detail) in [("Bearer guess", "not known"), (&expiring, "expired")] {
        let (answer, asked) = read(auth.clone(), authorization).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        let challenge = answer.header("www-authenticate");
        assert!(challenge.contains("error=\"invalid_token\""));
        assert!(answer.detail().contains(detail));
        assert!(asked.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn the_service_is_told_who_asks() {
    let (auth, [app, gateway, expiring]) = auth(99);
    for (authorization, caller) in [
        (app.as_str(), Caller::of_senders(["app".into()])),
        (&gateway, Caller::trusted()),
        (&expiring, Caller::unrestricted()),
        (
            &app.replace("Bearer", "bEARER"),
            Caller::of_senders(["app".into()]),
        ),
    ] {
        let (answer, asked) = read(auth.clone(), authorization).await;
        assert_eq!(answer.status, StatusCode::OK);
        // All tokens have the same name here.
        let caller = caller.with_client(Client::named("t"));
        assert_eq!(asked.lock().unwrap()[0].caller, caller);
    }
}

#[tokio::test]
async fn a_token_is_for_its_senders_only() {
    for (sender, status) in [
        ("app", StatusCode::CREATED),
        ("other", StatusCode::FORBIDDEN),
    ] {
        let (server, asked) = answering(created());
        let (auth, [app, ..]) = auth(0);
        let router = server.with_auth(auth).router();
        let path = format!("/senders/{sender}/transactions");
        let mut create = json_request("POST", &path, CREATE);
        create
            .headers_mut()
            .insert("authorization", app.parse().unwrap());
        let answer = send(router.clone(), create).await;
        assert_eq!(answer.status, status, "{sender}");
        let list = request("GET", &path).header("authorization", app);
        let answer = send(router, empty(list)).await;
        assert_eq!(answer.status == StatusCode::FORBIDDEN, sender == "other");
        assert_eq!(asked.lock().unwrap().is_empty(), sender == "other");
    }
}

#[tokio::test]
async fn the_description_of_the_api_needs_no_token() {
    let (server, _) = answering(current("1"));
    let auth = Auth::new([], Arc::new(SystemClock));
    let router = server.with_auth(auth).router();
    let answer = send(router.clone(), empty(request("GET", "/openapi.json"))).await;
    assert_eq!(answer.status, StatusCode::OK);
    let answer = send(router, empty(request("GET", "/nothing"))).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn without_authentication_the_settings_tell_whom_to_trust() {
    for is_trusted in [false, true] {
        let settings = ServerSettings::default().with_trust(is_trusted);
        let (server, asked) = answering_with(current("1"), settings);
        send(server.router(), empty(request("GET", "/transactions/T"))).await;
        let asked = asked.lock().unwrap();
        let everybody = Caller::unrestricted().with_role(Role::Operate);
        assert_eq!(asked[0].caller, everybody.with_trust(is_trusted));
    }
}

#[test]
fn debugging_prints_no_hash() {
    let text = format!("{:?}", auth(0).0);
    assert!(text.contains("app") && !text.contains("sha256"));
}
