//! The queue over HTTP: requests to a router with a scripted service.

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::http::StatusCode;
use bytes::Bytes;
use jiff::Timestamp;
use koukan_core::{
    body::Body,
    clock::SystemClock,
    rate::Rate,
    reply::Reply,
    resource::{
        DestinationAction, DestinationName, DestinationOperation, DestinationView,
        DestinationsListed, HostRoom, HostsDown, QueueChange, QueueChanged, QueueFilter, QueueList,
        QueueListed, QueueOperation, QueueRequest, QueueResponse, QueuedTransaction, Refusal, Role,
        View,
    },
    storage::{
        QueueState, Search,
        record::{Attempt, DestinationCensus, QueueAction, Skipped, Suspension},
    },
};
use koukan_rest::{
    auth::{Auth, Token, generate_token},
    server::Server,
};
use serde_json::json;
use tower::{BoxError, service_fn};

use crate::support::{Answer, answering, current, empty, request, send};

pub(crate) type Asked = Arc<Mutex<Vec<QueueRequest>>>;

/// A server whose queue gives this answer.
pub(crate) fn with_queue(
    answer: impl Fn() -> QueueResponse + Clone + Send + Sync + 'static,
) -> (Server, Asked) {
    let asked = Asked::default();
    let seen = Arc::clone(&asked);
    let queue = service_fn(move |request: QueueRequest| {
        seen.lock().unwrap().push(request);
        let answer = answer();
        async move { Ok::<_, BoxError>(answer) }
    });
    (answering(current("1")).0.with_queue(queue), asked)
}

pub(crate) async fn get(server: Server, path: &str) -> Answer {
    send(server.router(), empty(request("GET", path))).await
}

fn only(asked: &Asked) -> QueueOperation {
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 1);
    asked[0].operation.clone()
}

pub(crate) fn queued() -> QueuedTransaction {
    QueuedTransaction {
        state: QueueState::Waiting,
        created: Timestamp::UNIX_EPOCH,
        held: None,
        crashes: 0,
        suspended: None,
        view: Box::new(View::default()),
        destination: "x.example".into(),
    }
}

fn listed() -> QueueResponse {
    QueueResponse::Listed(QueueListed {
        transactions: vec![queued()],
        next: Some("c2".into()),
    })
}

#[tokio::test]
async fn the_queue_is_narrowed_by_its_parameters() {
    let (server, asked) = with_queue(listed);
    let answer = get(server, "/queue").await;
    assert_eq!(answer.status, StatusCode::OK);
    let json = answer.json();
    assert_eq!(json["next_cursor"], "c2");
    assert_eq!(json["transactions"][0]["state"], "waiting");
    assert_eq!(json["transactions"][0]["destination"], "x.example");
    let QueueOperation::List(list) = only(&asked) else {
        panic!("not a list");
    };
    assert_eq!(list, QueueList::default());

    let (server, asked) = with_queue(listed);
    let path = "/queue?state=active&sender=app&limit=5&cursor=c1&domain=y&reply=full";
    assert_eq!(get(server, path).await.status, StatusCode::OK);
    let QueueOperation::List(list) = only(&asked) else {
        panic!("not a list");
    };
    let expected = QueueList {
        filter: QueueFilter {
            sender: Some("app".into()),
            state: Some(QueueState::Active),
            search: Search {
                domain: Some("y".into()),
                last_reply: Some("full".into()),
                ..Search::default()
            },
        },
        limit: 5,
        cursor: Some("c1".into()),
    };
    assert_eq!(list, expected);
    for query in [
        "state=done",
        "id=x",
        "limit=0",
        "page=2",
        "domain=x&domain=y",
    ] {
        let answer = get(with_queue(listed).0, &format!("/queue?{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        answer.detail();
    }
}

fn destination() -> DestinationView {
    let at = Timestamp::UNIX_EPOCH;
    DestinationView {
        census: DestinationCensus {
            host: "x.example".into(),
            queued: 7,
            due: 3,
            next: Some(at),
            last_attempt: Some(Attempt {
                final_reply: Reply::mailbox_busy(),
                ..Attempt::broken_off(at, None, Vec::new())
            }),
            ..DestinationCensus::default()
        },
        suspension: Some(Suspension {
            host: "x.example".into(),
            since: at,
            by: "olga".into(),
        }),
        down: Some(HostsDown {
            since: at,
            until: at,
            hosts: ["mx.example:25".parse().unwrap()].into(),
        }),
        room: Some(HostRoom {
            host: "mx.example:25".parse().unwrap(),
            connections: 3,
            max_connections: 20,
            max_of_all: 60,
            rate: Some(Rate::new(NonZeroU32::MIN, Duration::from_millis(1500))),
        }),
    }
}

#[tokio::test]
async fn destinations_are_listed_and_shown() {
    let listed = || {
        QueueResponse::Destinations(DestinationsListed {
            destinations: vec![destination()],
            is_cut: true,
        })
    };
    let (server, asked) = with_queue(listed);
    let answer = get(server, "/destinations?limit=5").await;
    assert_eq!(answer.status, StatusCode::OK);
    let json = answer.json();
    assert_eq!(json["is_cut"], true);
    let shown = &json["destinations"][0];
    let epoch = "1970-01-01T00:00:00Z";
    let expected = json!({
        "name": "x.example", "state": "suspended",
        "queued": 7, "active": 0, "held": 0, "due": 3,
        "next_attempt": epoch, "last_attempt": epoch,
        "last_response": shown["last_response"].clone(),
        "suspended": {"since": epoch, "by": "olga"},
        "down": {"since": epoch, "until": epoch, "hosts": ["mx.example:25"]},
        "limits": {
            "host": "mx.example:25", "connections": 3, "max_connections": 20,
            "max_connections_of_all": 60,
            "rate": {"messages": 1, "seconds": 1.5},
            "rate_of_all": {"messages": 1, "seconds": 1.5},
        },
    });
    assert_eq!(*shown, expected);
    assert_eq!(shown["last_response"]["code"], 450);
    let QueueOperation::Destinations(list) = only(&asked) else {
        panic!("not of destinations");
    };
    assert_eq!(list, DestinationOperation::List { limit: 5 });

    let one = || QueueResponse::Destination(Box::new(destination()));
    for (method, path, name, action) in [
        ("GET", "/destinations/X.example", "x.example", None),
        (
            "POST",
            "/destinations/%5B::1%5D:25/suspend",
            "[::1]:25",
            Some(DestinationAction::Suspend),
        ),
        (
            "POST",
            "/destinations/x.example/retry",
            "x.example",
            Some(DestinationAction::Retry),
        ),
    ] {
        let (server, asked) = with_queue(one);
        let answer = send(server.router(), empty(request(method, path))).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.json()["queued"], 7);
        let name = DestinationName::parse(name).unwrap();
        let expected = match action {
            None => DestinationOperation::Show(name),
            Some(action) => DestinationOperation::Change(name, action),
        };
        let QueueOperation::Destinations(operation) = only(&asked) else {
            panic!("not of destinations");
        };
        assert_eq!(operation, expected);
    }
    for (method, path, status) in [
        ("GET", "/destinations/a%20b", StatusCode::BAD_REQUEST),
        ("GET", "/destinations?page=2", StatusCode::BAD_REQUEST),
        (
            "POST",
            "/destinations/a%20b/resume",
            StatusCode::BAD_REQUEST,
        ),
        (
            "POST",
            "/destinations/x.example/stop",
            StatusCode::NOT_FOUND,
        ),
        (
            "GET",
            "/destinations/x.example/stop",
            StatusCode::METHOD_NOT_ALLOWED,
        ),
    ] {
        let (server, asked) = with_queue(one);
        let answer = send(server.router(), empty(request(method, path))).await;
        assert_eq!(answer.status, status, "{path}");
        assert!(asked.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_message_is_octets() {
    let message = || QueueResponse::Message(Body::from(Bytes::from_static(b"A: b\r\n\r\nc")));
    let answer = get(with_queue(message).0, "/queue/T/message").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-type"), "message/rfc822");
    assert_eq!(answer.header("content-length"), "9");
    assert_eq!(answer.text, "A: b\r\n\r\nc");
}

#[tokio::test]
async fn refusals_are_problems() {
    let refused = || Refusal::not_found("there is no such thing").into();
    let answer = get(with_queue(refused).0, "/queue/T").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(answer.detail(), "there is no such thing");
}

#[tokio::test]
async fn without_a_queue_there_is_nothing_at_its_paths() {
    for path in ["/queue", "/queue/T", "/queue/T/message", "/destinations"] {
        let (server, _) = answering(current("1"));
        assert_eq!(get(server, path).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_token_has_a_role() {
    let (secret, hash) = generate_token();
    for role in [Role::Read, Role::Submit, Role::Operate] {
        let token = Token {
            role,
            ..Token::from_hex("t", &hash).unwrap()
        };
        let (server, asked) = with_queue(listed);
        let server = server.with_auth(Auth::new([token], Arc::new(SystemClock)));
        let request = request("GET", "/queue").header("authorization", format!("Bearer {secret}"));
        send(server.router(), empty(request)).await;
        assert_eq!(asked.lock().unwrap()[0].caller.role(), role);
    }
    // A listener without tokens refuses nobody.
    let (server, asked) = with_queue(listed);
    get(server, "/queue").await;
    assert!(asked.lock().unwrap()[0].caller.may_operate());
}

async fn post(server: Server, path: &str) -> Answer {
    send(server.router(), empty(request("POST", path))).await
}

fn changed() -> QueueResponse {
    QueueResponse::Changed(QueueChanged {
        matched: 3,
        changed: 2,
        recipients: 5,
        skipped: [(Skipped::NotHeld, 1)].into(),
    })
}

#[tokio::test]
async fn many_are_changed_by_filter() {
    for action in QueueAction::ALL {
        let (server, asked) = with_queue(changed);
        let path = format!("/queue/{}?domain=y&dry_run=true", action.as_str());
        let answer = post(server, &path).await;
        assert_eq!(answer.status, StatusCode::OK);
        let expected = serde_json::json!(
            {"matched": 3, "changed": 2, "recipients": 5, "skipped": {"not_held": 1}}
        );
        assert_eq!(answer.json(), expected);
        let QueueOperation::Change(change) = only(&asked) else {
            panic!("not a change");
        };
        let expected = QueueChange {
            action,
            filter: QueueFilter {
                search: Search {
                    domain: Some("y".into()),
                    ..Search::default()
                },
                ..QueueFilter::default()
            },
            is_dry: true,
        };
        assert_eq!(change, expected);
    }
}

#[tokio::test]
async fn nothing_is_changed_where_nobody_says_what() {
    for query in ["", "?dry_run=true", "?all=yes", "?limit=1", "?all=false"] {
        let (server, asked) = with_queue(changed);
        let answer = post(server, &format!("/queue/cancel{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert!(asked.lock().unwrap().is_empty());
    }
    let (server, asked) = with_queue(changed);
    let answer = post(server, "/queue/hold?all=true").await;
    assert_eq!(answer.status, StatusCode::OK);
    let QueueOperation::Change(change) = only(&asked) else {
        panic!("not a change");
    };
    assert_eq!(
        (change.filter, change.is_dry),
        (QueueFilter::default(), false)
    );
}

#[tokio::test]
async fn an_empty_parameter_does_not_select_more() {
    for (query, field) in [
        ("sender=s&recipient=", "recipient"),
        ("reply=%20%20", "reply"),
        ("all=true&id=", "id"),
    ] {
        let (server, asked) = with_queue(changed);
        let answer = post(server, &format!("/queue/cancel?{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(answer.json()["field"], field, "{query}");
        assert!(asked.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn one_is_changed_by_its_id() {
    for action in QueueAction::ALL {
        let (server, asked) = with_queue(listed);
        let path = format!("/queue/T/{}", action.as_str());
        assert_eq!(post(server, &path).await.status, StatusCode::OK);
        let QueueOperation::ChangeOne(id, asked) = only(&asked) else {
            panic!("not a change of one");
        };
        assert_eq!((&*id, asked), ("T", action));
    }
    for (path, status) in [
        ("/queue/T/shred", StatusCode::NOT_FOUND),
        ("/queue/T", StatusCode::METHOD_NOT_ALLOWED),
    ] {
        let answer = post(with_queue(listed).0, path).await;
        assert_eq!(answer.status, status, "{path}");
        answer.detail();
    }
}
