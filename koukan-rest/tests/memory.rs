//! The memory that JSON documents take, whatever they contain.
//!
//! A value takes at least 32 octets and an object some hundred, even if its text has only two octets.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{collections::HashMap, convert::Infallible, future::pending, sync::Arc};

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use bytes::Bytes;
use http_body_util::Full;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use koukan_core::{
    blob::BlobPool,
    clock::SystemClock,
    context::Sender,
    reply::Reply,
    resource::{Location, Operation, Read, ResourceRequest},
    service::BoxMailService,
    stage::{
        output_handler::{Chain, Notifications, OutputHandler, RetryPolicy},
        rest_handler::{RestHandler, RestHandlerSettings, SenderPolicy},
    },
    storage::{MemoryBackend, Storage},
    transaction::Transaction,
};
use koukan_rest::{
    client::{Client, ClientSettings},
    server::{Server, ServerSettings},
};
use peak_alloc::PeakAlloc;
use tokio::{
    net::TcpListener,
    sync::{Mutex, Semaphore},
    task::JoinSet,
};
use tower::{BoxError, ServiceExt, service_fn};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Allows one test at a time: the memory of others would be counted, too.
static ALONE: Mutex<()> = Mutex::const_new(());

const MIB: usize = 1 << 20;
const DOCUMENT: usize = 2 * MIB - 1000;

/// An agent whose upstream never answers, and the number of transactions that have arrived there.
async fn agent() -> (Router, Arc<Semaphore>) {
    let arrived = Arc::new(Semaphore::new(0));
    let arrivals = Arc::clone(&arrived);
    let upstream = service_fn(move |transaction: Transaction| {
        arrivals.add_permits(1);
        async move {
            let _transaction = transaction;
            pending::<Result<Reply, BoxError>>().await
        }
    });
    let storage = Storage::open(
        Arc::new(MemoryBackend::new()),
        BlobPool::default(),
        Arc::new(SystemClock),
    );
    let storage = storage.await.unwrap();
    let chain = Chain {
        service: BoxMailService::new(upstream),
        retry: RetryPolicy::default(),
    };
    let notifications = Notifications {
        reporting_mta: "mx.example.com".into(),
        sender: Sender::new("notification"),
    };
    let output = OutputHandler::new(chain, notifications);
    let senders = HashMap::from([(Sender::new("app"), SenderPolicy::default())]);
    let handler = RestHandler::new(storage, output, senders, RestHandlerSettings::default());
    let server = Server::new(handler, ServerSettings::default());
    (server.router(), arrived)
}

fn create(fields: &str) -> Request<Body> {
    let envelope = r#""mail_from": {"m": "a@example.com"}, "rcpt_to": [{"m": "b@example.com"}]"#;
    let json = format!("{{{envelope}, {fields}}}");
    let request = Request::post("/senders/app/transactions")
        .header("content-type", "application/json")
        .header("prefer", "wait=1");
    request.body(Body::from(json)).unwrap()
}

/// A list of these values with about that many octets of text.
fn list(value: &str, octets: usize) -> String {
    let values = vec![value; octets / (value.len() + 1)];
    format!("[{}]", values.join(","))
}

/// Answers twenty such requests at the same time. Returns their status, the most memory that was taken, and the
/// memory taken while they waited or afterwards.
async fn twenty(fields: &str) -> (StatusCode, usize, usize) {
    let (router, arrived) = agent().await;
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let mut requests = JoinSet::new();
    for _ in 0..20 {
        let (router, request) = (router.clone(), create(fields));
        requests.spawn(async move { router.oneshot(request).await.unwrap().status() });
    }
    let answered = requests.join_all();
    tokio::pin!(answered);
    let statuses = tokio::select! {
        statuses = &mut answered => Some(statuses),
        _ = arrived.acquire_many(20) => None,
    };
    let waiting = MEMORY.current_usage().saturating_sub(before);
    let statuses = match statuses {
        Some(statuses) => statuses,
        None => answered.await,
    };
    let status = statuses[0];
    assert_eq!(statuses, [status; 20]);
    (status, MEMORY.peak_usage().saturating_sub(before), waiting)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_of_many_values_are_refused_before_they_take_memory() {
    let _alone = ALONE.lock().await;
    for value in [
        "{\"\":0}",
        "[]",
        "{}",
        "0",
        "{\"\":{\"\":{\"\":{\"\":{}}}}}",
    ] {
        let values = list(value, DOCUMENT - 1000);
        for fields in [
            format!(r#""filter_output": {{"x": {values}}}"#),
            format!(r#""body": {{"message_builder": {{"headers": {values}}}}}"#),
        ] {
            let (status, peak, waiting) = twenty(&fields).await;
            assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE, "{value}");
            assert!(peak < 20 * 8 * MIB, "{value}: {} MiB", peak / MIB);
            assert!(waiting < 8 * MIB, "{value}: {} MiB", waiting / MIB);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_document_is_kept_while_its_client_waits() {
    let _alone = ALONE.lock().await;
    let body = r#""body": {"inline": "Subject: hi\r\n\r\nhello\r\n"}"#;
    // As many values as are accepted.
    let values = list("{\"\":0}", 7 * 24_000);
    let long = format!("\"{}\"", "x".repeat(DOCUMENT - 1000));
    for value in [values, long] {
        let fields = format!(r#"{body}, "filter_output": {{"x": {value}}}"#);
        let (status, peak, waiting) = twenty(&fields).await;
        assert_eq!(status, StatusCode::CREATED);
        assert!(peak < 20 * 12 * MIB, "{} MiB", peak / MIB);
        assert!(waiting < 8 * MIB, "{} MiB", waiting / MIB);
    }
}

/// Reads a transaction from a server that gives this answer.
async fn read_from(answer: String) -> (bool, usize) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = Bytes::from(answer);
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let respond = hyper::service::service_fn(move |_| {
            let answer = Full::new(answer.clone());
            async { Ok::<_, Infallible>(http::Response::new(answer)) }
        });
        let builder = auto::Builder::new(TokioExecutor::new());
        let _ = builder
            .serve_connection(TokioIo::new(stream), respond)
            .await;
    });
    let client = Client::new(&url, ClientSettings::default()).unwrap();
    let read = Operation::Read(Read {
        transaction: Location::new("/transactions/T"),
        if_none_match: None,
        wait: None,
        wait_for: koukan_core::resource::WaitFor::End,
    });
    let read = client.oneshot(ResourceRequest::trusted(read)).await;
    (read.is_ok(), MEMORY.peak_usage().saturating_sub(before))
}

#[tokio::test]
async fn answers_of_many_values_take_little_memory_too() {
    let _alone = ALONE.lock().await;
    for octets in [16 * MIB, 3 * MIB] {
        for value in ["{\"\":0}", "[]"] {
            let values = list(value, octets);
            let (is_read, peak) = read_from(format!(r#"{{"rcpt_response": {values}}}"#)).await;
            assert!(!is_read, "{value}");
            assert!(peak < 32 * MIB, "{value}: {} MiB", peak / MIB);
        }
    }
    let replies = list("{\"code\":250,\"message\":\"ok\"}", 25_000);
    let (is_read, _) = read_from(format!(r#"{{"rcpt_response": {replies}}}"#)).await;
    assert!(is_read);
}
