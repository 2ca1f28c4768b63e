//! Events over HTTP: requests to a router with a scripted service.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::http::{StatusCode, header::CONTENT_TYPE};
use futures_util::StreamExt;
use jiff::Timestamp;
use koukan_core::{
    context::{Context, Sender},
    resource::{EventRequest, EventResponse, EventsRead, ReadEvents, Refusal, RefusalKind},
    signals::Carried,
    storage::record::{EventKind, KeptEvent, NewEvent, TransactionId},
};
use koukan_rest::server::Server;
use tower::{BoxError, ServiceExt, service_fn};

use crate::support::{answering, current, empty, request, send};

type Asked = Arc<Mutex<Vec<ReadEvents>>>;

/// A server with three events, and no further one however long a request waits.
fn with_events() -> (Server, Asked) {
    let asked = Asked::default();
    let seen = Arc::clone(&asked);
    let events = service_fn(move |request: EventRequest| {
        let read = request.read;
        seen.lock().unwrap().push(read.clone());
        async move {
            let after = match read.cursor.as_deref() {
                Some("gone") => {
                    let refusal = Refusal::new(RefusalKind::Gone, "no longer kept");
                    return Ok::<_, BoxError>(EventResponse::Refused(refusal));
                }
                cursor => cursor.map_or(0, |cursor| cursor.parse().unwrap()),
            };
            let limit = if read.limit == 0 { 2 } else { read.limit };
            let events: Vec<_> = (after + 1..=3).take(limit).map(event).collect();
            if events.is_empty() {
                tokio::time::sleep(read.wait).await;
            }
            let next = events.last().map_or(after, |last| last.number);
            let next = next.to_string().into();
            Ok(EventResponse::Read(EventsRead { events, next }))
        }
    });
    (answering(current("1")).0.with_events(events), asked)
}

fn event(number: u64) -> KeptEvent {
    let context = Context::new(Sender::new("app").with_tag("fast"));
    let id = TransactionId::random();
    let source = (&context, &Carried::default());
    KeptEvent {
        number,
        event: NewEvent {
            recipient: Some("bob@example.com".into()),
            ..NewEvent::of_hold((id, 2), source, EventKind::Held, Timestamp::UNIX_EPOCH)
        },
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_is_asked_for_by_parameters() {
    let (server, asked) = with_events();
    let query = "/events?cursor=1&limit=5&type=held,queued&sender=app";
    let answer = send(server.router(), empty(request("GET", query))).await;
    assert_eq!(answer.status, StatusCode::OK);
    let json = answer.json();
    assert_eq!(json["next_cursor"], "3");
    assert_eq!(json["events"].as_array().unwrap().len(), 2);
    let first = &json["events"][0];
    assert_eq!(
        (&first["id"], &first["type"]),
        (&"2".into(), &"held".into())
    );
    assert_eq!(first["sender"]["tag"], "fast");
    assert_eq!(first["recipient"], "bob@example.com");
    assert_eq!(first["attempt_count"], 2);
    assert!(first.get("reply").is_none());
    let expected = ReadEvents {
        cursor: Some("1".into()),
        sender: Some("app".into()),
        kinds: vec![EventKind::Held, EventKind::Queued],
        limit: 5,
        wait: Duration::ZERO,
    };
    assert_eq!(asked.lock().unwrap()[..], [expected]);
    for (query, status) in [
        ("cursor=gone", StatusCode::GONE),
        ("type=sent", StatusCode::BAD_REQUEST),
        ("limit=0", StatusCode::BAD_REQUEST),
        ("domain=x", StatusCode::BAD_REQUEST),
        ("limit=1&limit=2", StatusCode::BAD_REQUEST),
    ] {
        let get = empty(request("GET", &format!("/events?{query}")));
        let answer = send(with_events().0.router(), get).await;
        assert_eq!(answer.status, status, "{query}");
        answer.detail();
    }
    let without = answering(current("1")).0;
    let answer = send(without.router(), empty(request("GET", "/events"))).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn a_stream_goes_on_where_the_reader_was() {
    let (server, asked) = with_events();
    let get = request("GET", "/events?cursor=0&type=held")
        .header("accept", "text/event-stream")
        .header("last-event-id", "1");
    let response = server.router().oneshot(empty(get)).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()[CONTENT_TYPE], "text/event-stream");
    let mut stream = response.into_body().into_data_stream();
    let mut next = async || {
        let piece = stream.next().await.unwrap().unwrap();
        String::from_utf8(piece.to_vec()).unwrap()
    };
    let events = next().await;
    assert!(
        events.starts_with("id: 2\nevent: held\ndata: {"),
        "{events}"
    );
    assert!(
        events.contains("}\n\nid: 3\nevent: held\ndata: {"),
        "{events}"
    );
    assert!(events.ends_with("}\n\n"), "{events}");
    // An event is fetched only when it is read.
    assert_eq!(asked.lock().unwrap().len(), 1);
    let begun = tokio::time::Instant::now();
    for _ in 0..2 {
        assert_eq!(next().await, ": nothing new\nid: 3\n\n");
    }
    assert_eq!(begun.elapsed(), Duration::from_secs(30));
    let asked = asked.lock().unwrap();
    let cursors = asked.iter().map(|read| read.cursor.as_deref().unwrap());
    assert_eq!(cursors.collect::<Vec<_>>(), ["1", "3", "3"]);
    assert!(asked.iter().all(|read| read.kinds == [EventKind::Held]));
}

#[tokio::test]
async fn a_stream_that_is_not_granted_is_no_stream() {
    let get = request("GET", "/events?cursor=gone").header("accept", "text/event-stream");
    let answer = send(with_events().0.router(), empty(get)).await;
    assert_eq!(answer.status, StatusCode::GONE);
}

#[test]
fn every_kind_of_event_is_described() {
    let described = koukan_rest::schema::openapi()["components"]["schemas"]["EventType"].clone();
    let kinds = EventKind::ALL.map(EventKind::as_str);
    assert_eq!(described["enum"], serde_json::json!(kinds));
}
