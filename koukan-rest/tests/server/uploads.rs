//! Uploads: they are streamed and measured, and never end cleanly by accident.

use std::{sync::Arc, time::Duration};

use axum::{body::Body, http::StatusCode};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use koukan_core::{
    body::BodyError,
    resource::{
        Location, Operation, Range, Refusal, RefusalKind, ResourceRequest, ResourceResponse,
        Uploaded,
    },
};
use koukan_rest::server::{Server, ServerSettings};
use tokio::sync::mpsc;
use tower::{BoxError, service_fn};

use crate::support::{Answer, answering, answering_with, only, request, send};

const PATH: &str = "/transactions/T/body";

fn uploaded(len: u64, total: Option<u64>) -> ResourceResponse {
    ResourceResponse::Uploaded(Uploaded {
        len,
        total,
        finalized: total == Some(len),
    })
}

#[tokio::test]
async fn octets_go_to_the_message_or_to_a_part_of_it() {
    for path in [PATH, "/transactions/T/blob/img"] {
        let (server, asked) = answering(uploaded(5, Some(5)));
        let answer = send(
            server.router(),
            request("PUT", path).body("hello".into()).unwrap(),
        )
        .await;
        assert_eq!((answer.status, &*answer.text), (StatusCode::OK, "{}"));
        assert_eq!(answer.header("content-range"), "");
        let Operation::Upload(upload) = only(&asked) else {
            panic!("not an upload");
        };
        assert_eq!((upload.to, upload.range), (Location::new(path), None));
    }
}

#[tokio::test]
async fn a_range_is_answered_with_what_there_is() {
    for (name, value, body, range, result, told) in [
        (
            "content-range",
            "bytes 5-9/*",
            "world",
            (5, 10, None),
            (10, None),
            "bytes 0-9/*",
        ),
        (
            "content-range",
            "bytes 5-9/10",
            "world",
            (5, 10, Some(10)),
            (10, Some(10)),
            "bytes 0-9/10",
        ),
        (
            "content-range",
            "bytes */10",
            "",
            (10, 10, Some(10)),
            (10, Some(10)),
            "bytes 0-9/10",
        ),
        (
            "x-finalize-blob-length",
            "10",
            "",
            (10, 10, Some(10)),
            (10, Some(10)),
            "bytes 0-9/10",
        ),
        (
            "x-finalize-blob-length",
            "0",
            "",
            (0, 0, Some(0)),
            (0, Some(0)),
            "bytes */0",
        ),
    ] {
        let (server, asked) = answering(uploaded(result.0, result.1));
        let request = request("PUT", PATH).header(name, value);
        let answer = send(server.router(), request.body(body.into()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::OK, "{value}");
        assert_eq!(answer.header("content-range"), told, "{value}");
        let Operation::Upload(upload) = only(&asked) else {
            panic!("not an upload");
        };
        let (start, end, total) = range;
        let end = Some(end);
        assert_eq!(upload.range, Some(Range { start, end, total }), "{value}");
    }
}

#[tokio::test]
async fn ranges_that_make_no_sense_are_malformed() {
    for (name, value) in [
        ("content-range", "bytes 9-5/10"),
        ("content-range", "0-5/10"),
        ("content-range", "bytes 0-99/100"),
        ("x-finalize-blob-length", "-1"),
    ] {
        let (server, asked) = answering(uploaded(0, None));
        let request = request("PUT", PATH)
            .header(name, value)
            .header("content-length", "5");
        let answer = send(server.router(), request.body("hello".into()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{value}");
        assert!(
            answer.json()["field"]
                .as_str()
                .unwrap()
                .eq_ignore_ascii_case(name)
        );
        assert!(asked.lock().unwrap().is_empty());
    }
}

/// A server that reports each item of an upload as it arrives.
fn telling(settings: ServerSettings) -> (Server, mpsc::Receiver<Result<Option<Bytes>, BodyError>>) {
    let (items, told) = mpsc::channel(1);
    let items = Arc::new(items);
    let service = service_fn(move |request: ResourceRequest| {
        let items = Arc::clone(&items);
        async move {
            let Operation::Upload(mut upload) = request.operation else {
                return Err::<_, BoxError>("not an upload".into());
            };
            loop {
                let item = upload.content.next().await;
                let is_over = !matches!(item, Ok(Some(_)));
                let is_too_large = matches!(item, Err(BodyError::Rejected(_)));
                let is_clean = item.is_ok();
                items.send(item).await.unwrap();
                if is_over && is_clean {
                    return Ok(uploaded(5, Some(5)));
                }
                if is_over {
                    let kind = match is_too_large {
                        true => RefusalKind::TooLarge,
                        false => RefusalKind::Malformed,
                    };
                    return Ok(Refusal::new(kind, "broken off").into());
                }
            }
        }
    });
    (Server::new(service, settings), told)
}

type Chunks = mpsc::Sender<Result<Bytes, &'static str>>;

/// An upload whose chunks arrive when the sender sends them.
fn put(server: Server) -> (Chunks, tokio::task::JoinHandle<Answer>) {
    let (chunks, mut receiver) = mpsc::channel(1);
    let body = Body::from_stream(stream::poll_fn(move |cx| receiver.poll_recv(cx)).fuse());
    let request = request("PUT", PATH).body(body).unwrap();
    (chunks, tokio::spawn(send(server.router(), request)))
}

#[tokio::test]
async fn chunks_pass_before_the_end() {
    let (server, mut told) = telling(ServerSettings::default());
    let (chunks, answer) = put(server);
    for text in ["he", "llo"] {
        chunks.send(Ok(text.into())).await.unwrap();
        let chunk = told.recv().await.unwrap().unwrap();
        assert_eq!(chunk.as_deref(), Some(text.as_bytes()));
    }
    drop(chunks);
    assert!(told.recv().await.unwrap().unwrap().is_none());
    assert_eq!(answer.await.unwrap().status, StatusCode::OK);
}

#[tokio::test]
async fn what_breaks_off_is_no_end() {
    let (server, mut told) = telling(ServerSettings::default());
    let (chunks, answer) = put(server);
    chunks.send(Ok("he".into())).await.unwrap();
    assert!(told.recv().await.unwrap().is_ok());
    chunks.send(Err("gone")).await.unwrap();
    assert!(told.recv().await.unwrap().unwrap_err().is_aborted());
    assert_eq!(answer.await.unwrap().status, StatusCode::BAD_REQUEST);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_stalls_is_given_up() {
    let settings = ServerSettings::default().with_upload_idle_timeout(Duration::from_secs(5));
    let (server, mut told) = telling(settings);
    let (chunks, answer) = put(server);
    chunks.send(Ok("he".into())).await.unwrap();
    assert!(told.recv().await.unwrap().is_ok());
    assert!(told.recv().await.unwrap().unwrap_err().is_aborted());
    let answer = answer.await.unwrap();
    assert_eq!(answer.status, StatusCode::REQUEST_TIMEOUT);
    answer.detail();
}

#[tokio::test]
async fn what_turns_out_too_large_is_rejected() {
    let settings = ServerSettings::default().with_max_message_size(4);
    let (server, mut told) = telling(settings);
    let (chunks, answer) = put(server);
    chunks.send(Ok("hell".into())).await.unwrap();
    assert!(told.recv().await.unwrap().is_ok());
    chunks.send(Ok("o".into())).await.unwrap();
    let item = told.recv().await.unwrap();
    assert!(matches!(item, Err(BodyError::Rejected(_))));
    assert_eq!(answer.await.unwrap().status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn what_is_said_to_be_too_large_is_refused_at_once() {
    let settings = ServerSettings::default().with_max_message_size(4);
    let (server, asked) = answering_with(uploaded(0, None), settings);
    let request = request("PUT", PATH).header("content-length", "5");
    let answer = send(server.router(), request.body("hello".into()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    answer.detail();
    assert!(asked.lock().unwrap().is_empty());
}
