//! Events that a webhook refuses permanently.

use std::sync::atomic::AtomicBool;

use super::*;

type Picky = (Arc<AtomicBool>, mpsc::Sender<Vec<String>>);

/// Refuses every request while it is broken, and otherwise those with the second event.
async fn pick(State((is_broken, taken)): State<Picky>, content: Bytes) -> StatusCode {
    let numbers = numbers(&serde_json::from_slice(&content).unwrap());
    if is_broken.load(Ordering::Relaxed) || numbers.iter().any(|number| number == "2") {
        return StatusCode::UNPROCESSABLE_ENTITY;
    }
    taken.send(numbers).await.unwrap();
    StatusCode::NO_CONTENT
}

/// An event that is refused permanently does not delay later ones. A webhook that accepts nothing loses nothing.
#[tokio::test]
async fn an_event_is_left_out_once_a_later_one_was_taken() {
    let backend = Arc::new(MemoryBackend::new().with_events(100));
    for _ in 0..4 {
        backend.insert(queued()).await.unwrap();
    }
    backend.keep_cursor("webhook:x", 0).await.unwrap();
    let told = Arc::new(Told::default());
    let observers = Observers::default().with(Arc::clone(&told) as _);
    let clock = Arc::new(SystemClock);
    let (pool, kept) = (BlobPool::default(), backend.clone());
    let storage = Storage::open_observed(kept, pool, clock.clone(), observers);
    let storage = storage.await.unwrap();
    let (taken, mut takes) = mpsc::channel(9);
    let is_broken = Arc::new(AtomicBool::new(true));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let router = Router::new().route("/hook", post(pick));
    let router = router.with_state((Arc::clone(&is_broken), taken));
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
    let board = HookBoard::default();
    let hook = Hook::new(
        target,
        EventReader::new(storage.clone()),
        storage,
        Arc::new(SystemRandom),
    );
    let running = tokio::spawn(hook.on(&board).run());
    for failures in 1..=3 {
        while board.views()[0].failures != failures {
            tokio::task::yield_now().await;
        }
        is_broken.store(failures < 3, Ordering::Relaxed);
        while board.find("x").unwrap().ask(HookAction::Retry).is_err() {
            tokio::task::yield_now().await;
        }
    }
    for number in ["1", "3", "4"] {
        assert_eq!(takes.recv().await.unwrap(), [number]);
    }
    told.wait_for("x without 2: it answered 422", 1).await;
    let is_out = |text: &&String| text.contains("without");
    assert_eq!(told.0.lock().unwrap().iter().filter(is_out).count(), 1);
    backend.insert(queued()).await.unwrap();
    assert_eq!(takes.recv().await.unwrap(), ["5"]);
    while board.views()[0].state != HookState::Up {
        tokio::task::yield_now().await;
    }
    running.abort();
    serving.abort();
}
