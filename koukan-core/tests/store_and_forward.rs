//! A queue as an embedder makes one.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use koukan_core::{
    clock::Clock,
    reply::Reply,
    stage::{output_handler::RetryPolicy, store_and_forward::StoreAndForward},
    storage::{BackendError, MemoryBackend, Removed, Retention, Sessions},
    test_util::{Answer, CapturedLog, Script, TokioClock, mail, rcpt, send},
    transaction::Transaction,
};
use tokio::{
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, sleep},
};
use tower::{BoxError, ServiceExt, service_fn};

/// The code of a reply, as a number.
fn code(reply: &Reply) -> u16 {
    reply.code().to_string().parse().unwrap()
}

/// A queue at work, and the means to stop it.
fn run(queue: &StoreAndForward) -> (oneshot::Sender<()>, JoinHandle<()>) {
    let (stop, stopped) = oneshot::channel::<()>();
    let queue = queue.clone();
    let running = tokio::spawn(async move {
        queue.run(async { stopped.await.unwrap_or_default() }).await;
    });
    (stop, running)
}

#[tokio::test(start_paused = true)]
async fn what_fails_for_a_while_is_kept_over_a_restart_and_delivered() {
    let backend = Arc::new(MemoryBackend::new());
    let busy = Script::new().other_rcpts(Reply::mailbox_busy());
    let start = "2026-01-01T00:00:00Z".parse().unwrap();
    let open = async |endpoint: &Script| {
        let queue = StoreAndForward::builder(endpoint.clone());
        let queue = queue.with_backend(backend.clone());
        queue
            .with_clock(TokioClock::starting_at(start))
            .open()
            .await
            .unwrap()
    };
    let queue = open(&busy).await;
    let (stop, running) = run(&queue);
    let outcome = send(
        queue.submission(),
        mail("a@x"),
        [rcpt("b@y")],
        "\r\nhello\r\n",
    )
    .await;
    assert_eq!(code(&outcome.recipients[0]), 250);
    assert_eq!(code(outcome.message.as_ref().unwrap()), 250);
    // Another agent gets the reply.
    let outcome = send(queue.ingress(), mail("a@x"), [rcpt("c@y")], "\r\nhello\r\n").await;
    assert_eq!(code(&outcome.recipients[0]), 450);
    stop.send(()).unwrap();
    running.await.unwrap();
    drop(queue);

    let endpoint = Script::new();
    let queue = open(&endpoint).await;
    let (stop, running) = run(&queue);
    let received = endpoint.ended(1).await;
    assert_eq!(received[0].recipient_texts(), ["b@y"]);
    assert_eq!(received[0].text(), "\r\nhello\r\n");
    stop.send(()).unwrap();
    running.await.unwrap();
    assert_eq!(endpoint.received().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_hangs_holds_up_neither_another_nor_the_stop_for_long() {
    let endpoint = Script::new().rcpt("hang@y", Answer::Never);
    let retry = RetryPolicy::default();
    let queue = StoreAndForward::builder_with_retry(endpoint.clone(), retry);
    let queue = queue.with_max_in_flight(2).open().await.unwrap();
    let (stop, running) = run(&queue);
    let hanging = tokio::spawn(send(
        queue.submission(),
        mail("a@x"),
        [rcpt("hang@y")],
        "\r\n\r\n",
    ));
    let outcome = send(queue.submission(), mail("a@x"), [rcpt("b@y")], "\r\n\r\n").await;
    assert_eq!(code(outcome.message.as_ref().unwrap()), 250);
    assert_eq!(endpoint.received()[0].recipient_texts(), ["b@y"]);
    let begun = Instant::now();
    stop.send(()).unwrap();
    running.await.unwrap();
    assert!(
        begun.elapsed() <= Duration::from_secs(30),
        "{:?}",
        begun.elapsed()
    );
    // Its client gets a promise, or is told to try again.
    let outcome = hanging.await.unwrap();
    assert!(
        code(outcome.message.as_ref().unwrap()) / 100 != 5,
        "{outcome:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn who_has_stopped_does_not_keep_others_who_share_the_backend_waiting() {
    let clock = Arc::new(TokioClock::default());
    let term = Duration::from_secs(3600);
    let backend = Arc::new(MemoryBackend::new().with_session_term(term, clock.clone()));
    let queue = StoreAndForward::builder(Script::new());
    let queue = queue.with_backend(backend.clone()).open().await.unwrap();
    let session = queue.storage().session();
    let (stop, running) = run(&queue);
    let lives = backend.refresh_session(session, clock.now());
    lives.await.unwrap();
    stop.send(()).unwrap();
    running.await.unwrap();
    let ended = backend.refresh_session(session, clock.now()).await;
    assert!(matches!(ended, Err(BackendError::SessionLost)), "{ended:?}");
    // It does not wait forever for what others do now.
    let (_stop, again) = run(&queue);
    again.await.unwrap();
}

/// Accepts nothing until it is opened.
#[derive(Clone)]
struct Shut {
    is_open: Arc<AtomicBool>,
    open: Script,
    shut: Script,
}

impl Shut {
    fn new() -> Self {
        Self {
            is_open: Arc::default(),
            open: Script::new(),
            shut: Script::new().other_rcpts(Reply::mailbox_busy()),
        }
    }

    async fn take(self, tx: Transaction) -> Result<Reply, BoxError> {
        match self.is_open.load(Ordering::Relaxed) {
            true => self.open.oneshot(tx).await,
            false => self.shut.oneshot(tx).await,
        }
    }
}

/// A queue in front of it, in paused time.
async fn queue_to(shut: &Shut) -> StoreAndForward {
    let shut = shut.clone();
    let endpoint = service_fn(move |tx| shut.clone().take(tx));
    let start = "2026-01-01T00:00:00Z".parse().unwrap();
    let queue = StoreAndForward::builder(endpoint).with_clock(TokioClock::starting_at(start));
    queue.open().await.unwrap()
}

/// It does not continue when another one is told to stop, and no other begins before it has ended.
#[tokio::test(start_paused = true)]
async fn a_queue_that_was_stopped_goes_on_when_it_is_run_again() {
    let shut = Shut::new();
    let queue = queue_to(&shut).await;
    let (stop_first, first) = run(&queue);
    let (stop_second, second) = run(&queue);
    let outcome = send(queue.submission(), mail("a@x"), [rcpt("b@y")], "\r\n\r\n").await;
    assert_eq!(code(outcome.message.as_ref().unwrap()), 250);
    stop_second.send(()).unwrap();
    second.await.unwrap();
    let attempts = shut.shut.ended(2).await.len();
    stop_first.send(()).unwrap();
    first.await.unwrap();
    // Nothing works on it.
    sleep(Duration::from_secs(24 * 3600)).await;
    assert_eq!(shut.shut.received().len(), attempts);
    shut.is_open.store(true, Ordering::Relaxed);
    let (stop, running) = run(&queue);
    assert_eq!(shut.open.ended(1).await[0].recipient_texts(), ["b@y"]);
    stop.send(()).unwrap();
    running.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_over_is_removed_some_time_later() {
    let shut = Shut::new();
    let queue = queue_to(&shut).await;
    let (stop, running) = run(&queue);
    let outcome = send(queue.submission(), mail("a@x"), [rcpt("b@y")], "\r\n\r\n").await;
    assert_eq!(code(outcome.message.as_ref().unwrap()), 250);
    shut.is_open.store(true, Ordering::Relaxed);
    shut.open.ended(1).await;
    let retention = Retention::default();
    sleep(2 * retention.finished).await;
    let storage = queue.storage();
    let now = storage.clock().now();
    let left = storage.backend().collect_garbage(now, retention);
    assert_eq!(left.await.unwrap(), Removed::default());
    stop.send(()).unwrap();
    running.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_forgets_to_run_the_queue_is_told() {
    const TOLD: &str = "nobody works on the queue";
    let log = CapturedLog::at(tracing::Level::WARN);
    let queue = StoreAndForward::builder(Script::new())
        .open()
        .await
        .unwrap();
    let (stop, running) = run(&queue);
    sleep(Duration::from_secs(61)).await;
    assert!(!log.text().contains(TOLD), "{}", log.text());
    stop.send(()).unwrap();
    running.await.unwrap();

    let queue = StoreAndForward::builder(Script::new())
        .open()
        .await
        .unwrap();
    sleep(Duration::from_secs(59)).await;
    assert!(!log.text().contains(TOLD), "{}", log.text());
    sleep(Duration::from_secs(2)).await;
    assert!(log.text().contains(TOLD), "{}", log.text());
    drop(queue);
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_is_gone_needs_nobody() {
    let log = CapturedLog::at(tracing::Level::WARN);
    let queue = StoreAndForward::builder(Script::new()).open();
    drop(queue.await.unwrap());
    sleep(Duration::from_secs(61)).await;
    assert_eq!(log.text(), "");
}
