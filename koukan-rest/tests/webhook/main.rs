//! Webhooks that refuse, that are silent, and whose events were removed before they were accepted.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod left_out;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use koukan_core::{
    blob::{BlobId, BlobPool},
    clock::SystemClock,
    context::{Context, Sender},
    event::{Event, Observer, Observers},
    path::{ForwardPath, ReversePath},
    random::SystemRandom,
    resource::{HookAction, HookBoard, HookState, TakesAll, hook_reader},
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
    sync::{Notify, mpsc},
};

/// Notes the events about webhooks that observers get.
#[derive(Debug, Default)]
struct Told(Mutex<Vec<String>>, Notify);

impl Observer for Told {
    fn observe(&self, event: &Event<'_>) {
        let text = match event {
            Event::HookLost(lost) => format!("{} lost", lost.hook),
            Event::HookGivenUp(it) => format!("{} given up", it.hook),
            Event::HookResumed(it) => format!("{} resumed", it.hook),
            Event::HookLeftOut(it) => format!("{} without {}: {}", it.hook, it.event, it.error),
            Event::HookCalled(called) => match called.error {
                Some(error) => format!("{} failed {}: {error}", called.hook, called.failures),
                None => format!("{} took {}", called.hook, called.events),
            },
            _ => return,
        };
        self.0.lock().unwrap().push(text);
        self.1.notify_one();
    }
}

impl Told {
    /// Waits until an event was reported that many times.
    async fn wait_for(&self, text: &str, count: usize) {
        let is_it = |told: &&String| *told == text;
        while self.0.lock().unwrap().iter().filter(is_it).count() < count {
            self.1.notified().await;
        }
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

/// Refuses that many times, and then accepts.
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
        give_up_after: Duration::from_secs(3600),
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
    // The later event is sent alone: the others were accepted.
    backend.insert(queued()).await.unwrap();
    assert_eq!(numbers(&takes.recv().await.unwrap()), ["6"]);
    running.abort();
    let _ = running.await;
    let expected = ["x lost", "x failed 1: it answered 503", "x took 3"];
    assert_eq!(told.0.lock().unwrap()[..3], expected);
    assert_eq!(backend.cursor("webhook:x").await.unwrap(), Some(5));
    serving.abort();
}

fn numbers(content: &Value) -> Vec<String> {
    let events = content["data"]["events"].as_array().unwrap();
    let numbers = events.iter().map(|event| event["id"].as_str().unwrap());
    numbers.map(str::to_owned).collect()
}

#[tokio::test]
async fn of_several_processes_one_calls_it_and_another_goes_on() {
    let clock = Arc::new(SystemClock);
    let store = MemoryBackend::new().with_events(99);
    let store = store.with_session_term(Duration::from_secs(3), clock.clone());
    store.keep_cursor("webhook:x", 0).await.unwrap();
    let (taken, mut takes) = mpsc::channel(99);
    let server: Server = (Arc::default(), taken);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let router = Router::new().route("/hook", post(take)).with_state(server);
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    let mut replicas = HashMap::new();
    for _ in 0..3 {
        let backend = Arc::new(store.another_process());
        let storage = Storage::open(backend, BlobPool::default(), clock.clone());
        let storage = storage.await.unwrap();
        let client = HttpClient::new(&ClientSettings::default()).unwrap();
        let secrets = Secrets::parse("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let target = Target {
            name: "x".into(),
            poster: Poster::new(client, url.parse().unwrap(), secrets, clock.clone()),
            kinds: Vec::new(),
            senders: Vec::new(),
            give_up_after: Duration::from_secs(3600),
        };
        let events = EventReader::new(storage.clone());
        let hook = Hook::new(target, events, storage.clone(), Arc::new(SystemRandom));
        let board = HookBoard::default();
        let running = tokio::spawn(hook.on(&board).run());
        replicas.insert(storage.session().to_string(), (storage, running, board));
    }
    let mut told = Vec::new();
    for round in 1..=3_u64 {
        store.insert(queued()).await.unwrap();
        store.insert(queued()).await.unwrap();
        while (told.len() as u64) < 2 * round {
            told.extend(numbers(&takes.recv().await.unwrap()));
        }
        // Events that were being sent may be sent again.
        while store.cursor("webhook:x").await.unwrap() != Some(2 * round) {
            tokio::task::yield_now().await;
        }
        let holder = store.reader(&hook_reader("x")).await.unwrap().unwrap();
        let (storage, running, board) = replicas.remove(&holder.to_string()).unwrap();
        // The other replicas say so, and do not get its requests.
        assert_eq!(board.views()[0].state, HookState::Up);
        for (_, _, other) in replicas.values() {
            while other.views()[0].state != HookState::Elsewhere {
                tokio::task::yield_now().await;
            }
            let place = other.find("x").unwrap();
            assert_eq!(place.ask(HookAction::Skip), Err(TakesAll));
        }
        assert!(storage.holds_reader(holder));
        match round {
            1 => {
                storage.leave().await.unwrap();
                assert!(!storage.holds_reader(holder));
                while board.views()[0].state != HookState::Elsewhere {
                    tokio::task::yield_now().await;
                }
            }
            // The replica is killed.
            _ => running.abort(),
        }
    }
    // Each event is sent once, and only by the replica that has the webhook.
    assert_eq!(told, ["1", "2", "3", "4", "5", "6"]);
    assert!(takes.try_recv().is_err());
    serving.abort();
}

/// The status decides: the rest of the answer may be missing.
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
            // From here on the webhook is silent, and the paused clock advances by itself.
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

/// It is called when an operator asks for it, also after a restart. Events that it does not accept can be left out.
#[tokio::test]
async fn one_that_takes_nothing_for_too_long_is_given_up_until_somebody_says_otherwise() {
    let backend = Arc::new(MemoryBackend::new().with_events(100));
    backend.insert(queued()).await.unwrap();
    backend.keep_cursor("webhook:x", 0).await.unwrap();
    let told = Arc::new(Told::default());
    let observers = Observers::default().with(Arc::clone(&told) as _);
    let clock = Arc::new(SystemClock);
    let (pool, kept) = (BlobPool::default(), backend.clone());
    let storage = Storage::open_observed(kept, pool, clock.clone(), observers);
    let storage = storage.await.unwrap();
    let (taken, mut takes) = mpsc::channel(9);
    let refusals = Arc::new(AtomicUsize::new(1));
    let server: Server = (Arc::clone(&refusals), taken);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let router = Router::new().route("/hook", post(take)).with_state(server);
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    let board = HookBoard::default();
    let start = || {
        let client = HttpClient::new(&ClientSettings::default()).unwrap();
        let secrets = Secrets::parse("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let target = Target {
            name: "x".into(),
            poster: Poster::new(client, url.parse().unwrap(), secrets, clock.clone()),
            kinds: Vec::new(),
            senders: Vec::new(),
            give_up_after: Duration::ZERO,
        };
        let events = EventReader::new(storage.clone());
        let hook = Hook::new(target, events, storage.clone(), Arc::new(SystemRandom));
        tokio::spawn(hook.on(&board).run())
    };
    let ask = |action| board.find("x").unwrap().ask(action);
    let first = |content: &Value| content["data"]["events"][0]["id"].clone();

    let running = start();
    told.wait_for("x given up", 1).await;
    let view = board.views().remove(0);
    assert_eq!((view.state, view.failures), (HookState::Dead, 1));
    assert_eq!(view.events, Some((1, 1)));
    assert_eq!(view.last_error.as_deref(), Some("it answered 503"));
    assert!(view.failing_since.is_some());
    ask(HookAction::Retry).unwrap();
    assert_eq!(first(&takes.recv().await.unwrap()), "1");
    told.wait_for("x took 1", 1).await;
    // From then on there must be no request.
    backend.insert(queued()).await.unwrap();
    assert_eq!(first(&takes.recv().await.unwrap()), "2");
    told.wait_for("x took 1", 2).await;
    while board.views()[0].state != HookState::Up {
        tokio::task::yield_now().await;
    }
    assert_eq!(ask(HookAction::Skip), Err(TakesAll));

    // It is given up again, and nobody calls it after a restart, either.
    refusals.store(1, Ordering::Relaxed);
    backend.insert(queued()).await.unwrap();
    told.wait_for("x given up", 2).await;
    running.abort();
    let _ = running.await;
    let running = start();
    told.wait_for("x given up", 3).await;
    let calls = told.0.lock().unwrap().len();
    assert_eq!(board.views()[0].state, HookState::Dead);
    ask(HookAction::Skip).unwrap();
    told.wait_for("x resumed", 2).await;
    assert_eq!(told.0.lock().unwrap().len(), calls + 1);
    backend.insert(queued()).await.unwrap();
    assert_eq!(first(&takes.recv().await.unwrap()), "4");
    running.abort();
    serving.abort();
}
