//! Addresses to which a sender sends no mail, as operators see them.

use axum::http::StatusCode;
use jiff::Timestamp;
use koukan_core::{
    resource::{
        QueueOperation, QueueResponse, SuppressionAsked, SuppressionOperation, SuppressionsListed,
    },
    storage::record::Suppression,
};
use serde_json::json;

use crate::{
    queue::with_queue,
    support::{Answer, empty, request, send},
};

fn suppression() -> Suppression {
    Suppression {
        sender: "out".into(),
        address: "bob@x".into(),
        since: Timestamp::UNIX_EPOCH,
        until: Timestamp::UNIX_EPOCH,
        reason: "550 5.1.1 no".into(),
    }
}

fn one() -> QueueResponse {
    QueueResponse::Suppression(Box::new(suppression()))
}

fn listed() -> QueueResponse {
    QueueResponse::Suppressions(SuppressionsListed {
        suppressions: vec![suppression()],
        next: Some("bob@x".into()),
    })
}

/// The answer, and the operation for which it is given.
async fn ask(
    answer: fn() -> QueueResponse,
    method: &str,
    path: &str,
) -> (Answer, Option<SuppressionOperation>) {
    let (server, asked) = with_queue(answer);
    let answer = send(server.router(), empty(request(method, path))).await;
    let asked = asked.lock().unwrap().pop();
    let asked = asked.map(|request| match request.operation {
        QueueOperation::Suppressions(operation) => operation,
        other => panic!("{other:?}"),
    });
    (answer, asked)
}

#[tokio::test]
async fn they_are_listed_a_page_at_a_time() {
    let path = "/senders/out/suppressions?limit=7&cursor=%3C%22a+b%22@x%3E";
    let (answer, asked) = ask(listed, "GET", path).await;
    assert_eq!(answer.status, StatusCode::OK);
    let at = "1970-01-01T00:00:00Z";
    let one = json!({"address": "bob@x", "reason": "550 5.1.1 no", "since": at, "until": at});
    let expected = json!({"suppressions": [one], "next_cursor": "bob@x"});
    assert_eq!(answer.json(), expected);
    let what = SuppressionAsked::List {
        limit: 7,
        after: Some("\"a b\"@x".into()),
    };
    let sender = "out".into();
    assert_eq!(asked, Some(SuppressionOperation { sender, what }));
}

#[tokio::test]
async fn one_is_shown_kept_and_removed() {
    // A local part may contain characters that a path segment may not.
    let mailbox = || "a/b%c@x".parse().unwrap();
    let path = "/senders/out/suppressions/a%2Fb%25c@x";
    let reason = Some("asked for it".into());
    for (method, query, what) in [
        ("GET", "", SuppressionAsked::Show(mailbox())),
        ("DELETE", "", SuppressionAsked::Remove(mailbox())),
        (
            "PUT",
            "?reason=asked+for+it",
            SuppressionAsked::Keep {
                mailbox: mailbox(),
                reason,
            },
        ),
    ] {
        let (answer, asked) = ask(one, method, &format!("{path}{query}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{method}");
        assert_eq!(answer.json()["address"], "bob@x");
        assert_eq!(asked.unwrap().what, what);
    }
    // As logs and messages write it.
    let path = "/senders/out/suppressions/%3Ca%2Fb%25c@x%3E";
    let (answer, asked) = ask(one, "DELETE", path).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(asked.unwrap().what, SuppressionAsked::Remove(mailbox()));
    for path in ["bob", "bob@x?page=1", "@x", "%3C%3E", "%3Cbob@x"] {
        let path = format!("/senders/out/suppressions/{path}");
        let (answer, asked) = ask(one, "PUT", &path).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
        assert!(asked.is_none());
    }
}
