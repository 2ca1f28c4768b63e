//! Webhooks whose events were removed before they have taken them, that refuse, and that are silent.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use koukan_core::{
    blob::{BlobId, BlobPool},
    clock::SystemClock,
    context::{Context, Sender},
    event::{Event, Observer, Observers},
    path::{ForwardPath, ReversePath},
    random::SystemRandom,
    signals::Carried,
    stage::event_reader::EventReader,
    storage::{
        MemoryBackend, Queue, Records, Storage,
        record::{
            BlobContent, Due, NewBody, NewTransaction, Recipient, Status, Terms, TransactionId,
            Work,
        },
    },
    transaction::{Mail, Rcpt},
};
use koukan_rest::{
    client::{ClientSettings, HttpClient},
    webhook::{Hook, Poster, Secrets, Target},
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc,
};

/// Notes what observers are told of webhooks.
#[derive(Debug, Default)]
struct Told(Mutex<Vec<String>>);

impl Observer for Told {
    fn observe(&self, event: &Event<'_>) {
        let text = match event {
            Event::HookLost(lost) => format!("{} lost", lost.hook),
            Event::HookCalled(called) => match called.error {
                Some(error) => format!("{} failed {}: {error}", called.hook, called.failures),
                None => format!("{} took {}", called.hook, called.events),
            },
            _ => return,
        };
        self.0.lock().unwrap().push(text);
    }
}

/// A transaction that waits for an attempt.
fn queued() -> NewTransaction {
    let now = jiff::Timestamp::UNIX_EPOCH;
    let to: ForwardPath = "b@y".parse().unwrap();
    NewTransaction {
        id: TransactionId::random(),
        created: now,
        context: Arc::new(Context::new(Sender::new("app"))),
        signals: Carried::default(),
        mail: Mail::new("a@x".parse::<ReversePath>().unwrap()),
        recipients: vec![Recipient {
            rcpt: Rcpt::new(to),
            settled: None,
        }],
        body: Some(NewBody::message(
            BlobId::random(),
            2,
            BlobContent::Inline(vec!["hi".into()]),
        )),
        message_key: None,
        terms: Terms::default(),
        attempts: Vec::new(),
        status: Status::Due(Due {
            at: now,
            work: Work::Attempt,
        }),
        leased_by: None,
        idempotency_key: None,
    }
}

type Server = (Arc<AtomicUsize>, mpsc::Sender<Value>);

/// Refuses so many times, and then takes what comes.
async fn take(State((refusals, taken)): State<Server>, content: Bytes) -> StatusCode {
    let refused = refusals.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
        left.checked_sub(1)
    });
    if refused.is_ok() {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    taken
        .send(serde_json::from_slice(&content).unwrap())
        .await
        .unwrap();
    StatusCode::NO_CONTENT
}

#[tokio::test]
async fn one_that_has_lost_its_place_goes_on_with_the_oldest_and_what_is_refused_comes_again() {
    let backend = Arc::new(MemoryBackend::new().with_events(3));
    for _ in 0..5 {
        backend.insert(queued()).await.unwrap();
    }
    backend.keep_cursor("webhook:x", 1).await.unwrap();
    let told = Arc::new(Told::default());
    let observers = Observers::default().with(Arc::clone(&told) as _);
    let clock = Arc::new(SystemClock);
    let storage = Storage::open_observed(
        backend.clone(),
        BlobPool::default(),
        clock.clone(),
        observers,
    )
    .await
    .unwrap();

    let (taken, mut takes) = mpsc::channel(9);
    let server: Server = (Arc::new(AtomicUsize::new(1)), taken);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let router = Router::new().route("/hook", post(take)).with_state(server);
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    let client = HttpClient::new(&ClientSettings::default()).unwrap();
    let secrets = Secrets::parse("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let target = Target {
        name: "x".into(),
        poster: Poster::new(client, url.parse().unwrap(), secrets, clock),
        kinds: Vec::new(),
        senders: Vec::new(),
    };
    let events = EventReader::new(storage.clone());
    let hook = Hook::new(target, events, storage, Arc::new(SystemRandom));
    let running = tokio::spawn(hook.run());

    let numbers = |content: &Value| {
        let events = content["data"]["events"].as_array().unwrap();
        let numbers = events
            .iter()
            .map(|event| event["id"].as_str().unwrap().to_owned());
        numbers.collect::<Vec<_>>()
    };
    assert_eq!(numbers(&takes.recv().await.unwrap()), ["3", "4", "5"]);
    // What comes later comes alone: the others were taken.
    backend.insert(queued()).await.unwrap();
    assert_eq!(numbers(&takes.recv().await.unwrap()), ["6"]);
    running.abort();
    let _ = running.await;
    let expected = ["x lost", "x failed 1: it answered 503", "x took 3"];
    assert_eq!(told.0.lock().unwrap()[..3], expected);
    assert_eq!(backend.cursor("webhook:x").await.unwrap(), Some(5));
    serving.abort();
}

/// The status says all: what comes after it may be missing.
#[tokio::test]
async fn what_was_taken_is_taken_however_the_answer_ends() {
    for (status, expected) in [("200 OK", None), ("503 Busy", Some("it answered 503"))] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            assert!(stream.read(&mut request).await.unwrap() > 0);
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: 5\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            // From here on it is silent, and time passes as fast as it can.
            tokio::time::pause();
            while stream.read(&mut request).await.is_ok_and(|read| read > 0) {}
        });
        let client = HttpClient::new(&ClientSettings::default()).unwrap();
        let secrets = Secrets::parse("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let poster = Poster::new(client, url.parse().unwrap(), secrets, Arc::new(SystemClock));
        let taken = poster.post("events_1_1", "{}".into()).await;
        assert_eq!(taken.err().map(|error| error.what).as_deref(), expected);
        serving.await.unwrap();
        tokio::time::resume();
    }
}
