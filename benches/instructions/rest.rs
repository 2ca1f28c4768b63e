//! The REST API within one process, and its JSON.

use std::{collections::HashMap, hint::black_box};

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use koukan_core::{
    context::Sender,
    event::Observers,
    reply::Reply,
    resource::{BlobStatus, BodyView, Location, View},
    stage::{
        output_handler::{Chain, Notifications, OutputHandler, RetryPolicy},
        rest_handler::{RestHandler, RestHandlerSettings, SenderPolicy},
    },
};
use koukan_rest::{
    schema::{create_from_json, view_to_json},
    server::{Server, ServerSettings},
};
use tower::ServiceExt;

use crate::{
    chain::accepting,
    runtime::{block_on, check_finished, storage},
};

const CREATE: &str = r#"{"mail_from": {"m": "alice@example.com"},
    "rcpt_to": [{"m": "bob@example.com"}], "body": {"inline": "Subject: hi\r\n\r\nhello\r\n"}}"#;

/// A whole message that is posted, committed and delivered to a service that accepts everything.
pub(crate) fn create(times: usize) {
    block_on(async {
        let storage = storage(Observers::default()).await;
        let chain = Chain {
            service: accepting(),
            retry: RetryPolicy::default(),
        };
        let notifications = Notifications {
            reporting_mta: "bench.example".into(),
            sender: Sender::new("out"),
        };
        let output = OutputHandler::new(chain, notifications);
        let senders = HashMap::from([(Sender::new("app"), SenderPolicy::default())]);
        let handler = RestHandler::new(
            storage.clone(),
            output,
            senders,
            RestHandlerSettings::default(),
        );
        let attempts = handler.attempts().clone();
        let router = Server::new(handler, ServerSettings::default()).router();
        for _ in 0..times {
            let request = Request::post("/senders/app/transactions")
                .header("host", "bench.example")
                .header("content-type", "application/json")
                .body(Body::from(CREATE))
                .expect("a good request");
            let Ok(response) = router.clone().oneshot(request).await;
            assert_eq!(response.status(), StatusCode::CREATED);
            let content = axum::body::to_bytes(response.into_body(), usize::MAX).await;
            black_box(content.expect("it is in memory"));
            tokio::task::yield_now().await;
        }
        attempts.ended().await;
        check_finished(&storage, times).await;
    });
}

/// The JSON of a create, from its octets to what the handler gets.
pub(crate) fn read_create(times: usize) {
    for _ in 0..times {
        let json = serde_json::from_str(black_box(CREATE)).expect("it is JSON");
        black_box(create_from_json(&json, "app").expect("a good create"));
    }
}

/// A transaction as a reader sees it, to the octets of its JSON.
pub(crate) fn write_view(times: usize) {
    let body = BodyView {
        blob_status: Some(BlobStatus {
            uri: Location::new("/transactions/T/body"),
            finalized: true,
        }),
        ..BodyView::default()
    };
    let view = View {
        has_sender: true,
        has_mail_from: true,
        rcpt_to: 2,
        body: Some(body),
        mail_response: Some(Reply::sender_ok()),
        rcpt_response: vec![Reply::recipient_ok(), Reply::no_such_user()],
        data_response: Some(Reply::message_accepted()),
        attempt_count: 1,
        ..View::default()
    };
    for _ in 0..times {
        let json = view_to_json(black_box(&view), |location| {
            format!("http://bench.example{location}")
        });
        black_box(json.to_string());
    }
}
