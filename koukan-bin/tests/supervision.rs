//! An agent that loses one of its parts, as seen by an embedder and an orchestrator.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use koukan::{Koukan, Running};
use koukan_core::{
    event::{Event, Observer},
    storage::{Backend, MemoryBackend},
    supervision::Loss,
    test_util::{Faults, FaultyBackend, SeededRandom, Trouble, TroubleKind},
};
use koukan_rest::health;
use tokio::{
    io::AsyncReadExt,
    net::TcpStream,
    time::{Instant, sleep},
};
use tower::ServiceExt;

const ROUTER: &str = include_str!("../../config/local/koukan.yaml");
const GATEWAY: &str = include_str!("../../config/local/gateway.yaml");

/// A backend that is in trouble for that time.
fn backend(kind: TroubleKind, seconds: std::ops::Range<u64>) -> Arc<dyn Backend> {
    let faults = Faults {
        trouble: vec![Trouble {
            during: Duration::from_secs(seconds.start)..Duration::from_secs(seconds.end),
            kind,
            per_mille: 1000,
        }],
        ..Faults::default()
    };
    let memory = Arc::new(MemoryBackend::new());
    let random = SeededRandom::new(1);
    Arc::new(FaultyBackend::new(memory, faults, random, Duration::ZERO))
}

async fn start(config: &str, backend: Arc<dyn Backend>) -> Running {
    // Nothing is written to the configuration's directory.
    let mut text = config.replace("sqlite: data/koukan.sqlite", "memory: true");
    for port in ["1025", "1587", "8000", "8001"] {
        text = text.replace(
            &format!("address: \"127.0.0.1:{port}\""),
            "address: \"127.0.0.1:0\"",
        );
    }
    let agent = Koukan::builder().backend(backend);
    let agent = agent.config_text("koukan.yaml", &text).unwrap();
    agent.start().await.unwrap()
}

/// The answer of `/readyz`.
async fn ready(running: &Running) -> (StatusCode, String) {
    let request = Request::get("/readyz").body(Body::empty()).unwrap();
    let response = health::router(running.readiness().clone()).oneshot(request);
    let (head, body) = response.await.unwrap().into_parts();
    let octets = to_bytes(body, 1000).await.unwrap();
    (head.status, String::from_utf8(octets.to_vec()).unwrap())
}

async fn assert_not_ready(running: &Running, told: &str) {
    let not_ready = (
        StatusCode::SERVICE_UNAVAILABLE,
        format!("not ready\n{told}"),
    );
    assert_eq!(ready(running).await, not_ready);
}

async fn assert_ready(running: &Running) {
    assert_eq!(ready(running).await, (StatusCode::OK, "ready\n".into()));
}

#[tokio::test(start_paused = true)]
async fn an_agent_whose_dispatcher_panics_is_unready_until_it_runs_again() {
    let running = start(ROUTER, backend(TroubleKind::LeasePanics, 0..2)).await;
    sleep(Duration::from_millis(100)).await;
    let told = "dispatcher: is gone\n\
                works: mail that its destination takes while the client waits\n\
                works: mail that is kept for later\n";
    assert_not_ready(&running, told).await;
    // The part is restarted after one second, fails again, and is then restarted after two.
    sleep(Duration::from_secs(2)).await;
    assert_not_ready(&running, told).await;
    sleep(Duration::from_secs(2)).await;
    assert_ready(&running).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_agent_whose_dispatcher_panics_again_and_again_is_lost() {
    let running = start(ROUTER, backend(TroubleKind::LeasePanics, 0..3600)).await;
    let lost = running.lost().await;
    assert_eq!(&*lost.part, "dispatcher");
    let said = "a lease panics, as the faults say";
    assert_eq!(lost.loss, Loss::Panicked(said.into()));
    assert_eq!(lost.restarts, 5);
    assert_eq!(running.lost().await, lost);
    assert_eq!(ready(&running).await.0, StatusCode::SERVICE_UNAVAILABLE);
    let begun = Instant::now();
    running.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_no_part_that_is_gone() {
    let running = start(ROUTER, backend(TroubleKind::LeasePanics, 0..3600)).await;
    sleep(Duration::from_secs(8)).await;
    let begun = Instant::now();
    running.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn storage_that_fails_costs_readiness_where_mail_is_promised() {
    let running = start(ROUTER, backend(TroubleKind::Failed, 10..30)).await;
    sleep(Duration::from_secs(5)).await;
    assert_ready(&running).await;
    sleep(Duration::from_secs(15)).await;
    let told = "storage: fails\n\
                works: mail that its destination takes while the client waits\n";
    assert_not_ready(&running, told).await;
    sleep(Duration::from_secs(15)).await;
    assert_ready(&running).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn storage_that_fails_is_named_by_an_agent_that_promises_nothing() {
    let running = start(GATEWAY, backend(TroubleKind::Failed, 0..3600)).await;
    sleep(Duration::from_secs(10)).await;
    let told = "ready\nstorage: fails\n\
                works: mail that its destination takes while the client waits\n";
    assert_eq!(ready(&running).await, (StatusCode::OK, told.into()));
    let addresses: [&[SocketAddr]; 2] = [running.smtp_addresses(), running.rest_addresses()];
    assert_eq!(addresses.map(<[_]>::len), [2, 1]);
    running.stop().await;
}

/// Counts connections.
#[derive(Debug, Clone, Default)]
struct Connections(Arc<AtomicU32>);

impl Observer for Connections {
    fn observe(&self, event: &Event<'_>) {
        if let Event::Connected(_) = event {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[tokio::test]
async fn an_embedders_observer_is_told_beside_log_and_metrics() {
    let text = ROUTER.replace("sqlite: data/koukan.sqlite", "memory: true");
    let text = ["1025", "1587", "8000"].iter().fold(text, |text, port| {
        text.replace(&format!("127.0.0.1:{port}\""), "127.0.0.1:0\"")
    });
    let connections = Connections::default();
    let agent = Koukan::builder().observer(connections.clone());
    let agent = agent.config_text("koukan.yaml", &text).unwrap();
    let running = agent.start().await.unwrap();
    let mut client = TcpStream::connect(running.smtp_addresses()[0])
        .await
        .unwrap();
    let mut greeting = [0; 3];
    client.read_exact(&mut greeting).await.unwrap();
    assert_eq!(&greeting, b"220");
    assert_eq!(connections.0.load(Ordering::Relaxed), 1);
    let metrics = running.metrics();
    let counted = "koukan_connections_opened_total{protocol=\"smtp\",sender=\"ingress\"} 1\n";
    assert!(metrics.contains(counted), "{metrics}");
    drop(client);
    running.stop().await;
}
