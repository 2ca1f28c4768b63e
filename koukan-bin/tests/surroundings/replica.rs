//! An agent on a backend that several agents share.

use std::{sync::Arc, time::Duration};

use koukan::{Koukan, Running};
use koukan_core::{
    clock::SystemClock,
    storage::{BackendError, MemoryBackend, Sessions},
    test_util::{Faults, FaultyBackend, SeededRandom, Trouble, TroubleKind},
};
use tokio::time::{sleep, timeout};

use super::{config, start};

const TERM: Duration = Duration::from_secs(2);

/// Waits until the agent is ready, or until it is not.
async fn until_ready(agent: &Running, is_ready: bool) {
    let wait = async {
        while agent.readiness().is_ready() != is_ready {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(60), wait).await.unwrap();
}

#[tokio::test]
async fn is_not_ready_while_it_cannot_say_that_it_lives() {
    let store = MemoryBackend::new().with_session_term(TERM, Arc::new(SystemClock));
    // This is shorter than the time for which storage may otherwise be silent.
    let cut = Trouble {
        during: Duration::from_secs(1)..Duration::from_secs(5),
        kind: TroubleKind::CutOff,
        per_mille: 1000,
    };
    let faults = Faults {
        trouble: vec![cut],
        ..Faults::default()
    };
    let inner = Arc::new(store.another_process());
    let random = SeededRandom::new(1);
    let backend = FaultyBackend::new(inner, faults, random, Duration::ZERO);
    let builder = Koukan::builder().backend(Arc::new(backend));
    let agent = start(builder, &config("received_header: {}")).await;
    let first = agent.storage().session();
    until_ready(&agent, true).await;
    until_ready(&agent, false).await;
    until_ready(&agent, true).await;
    let second = agent.storage().session();
    assert_ne!(first, second, "it was silent for longer than a term");

    let now = agent.storage().clock().now();
    store.refresh_session(second, now).await.unwrap();
    agent.stop().await;
    let refreshed = store.refresh_session(second, now).await;
    assert!(
        matches!(refreshed, Err(BackendError::SessionLost)),
        "it has left"
    );
}
