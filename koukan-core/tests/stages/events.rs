//! Events of messages that are delivered at once.

use std::{sync::atomic::Ordering, time::Duration};

use koukan_core::{
    stage::exploder::ReplyPolicy,
    storage::{Backend, EventQuery, MemoryBackend, record::EventKind},
    test_util::{Script, mail, rcpt, send},
};
use tokio::time::Instant;

use crate::{
    agent::Agent,
    failing::{Failing, SLOW},
};

const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";

async fn kinds(backend: &dyn Backend) -> Vec<EventKind> {
    let query = EventQuery {
        limit: 100,
        ..EventQuery::default()
    };
    let page = backend.events(query).await.unwrap();
    page.events.iter().map(|kept| kept.event.kind).collect()
}

#[tokio::test(start_paused = true)]
async fn a_reply_waits_for_its_events_where_it_is_asked_to() {
    for is_first in [false, true] {
        let backend = Failing {
            inner: MemoryBackend::new().with_events(100),
            ..Failing::default()
        };
        backend.slow_summaries.store(1, Ordering::Relaxed);
        let agent = Agent::on(backend.clone(), Script::new()).await;
        if is_first {
            agent.storage.commit_events_first();
        }
        let begun = Instant::now();
        let front = agent.exploder(ReplyPolicy::Ingress);
        let outcome = send(front, mail("a@x"), [rcpt("b@y")], MESSAGE).await;
        assert!(outcome.is_delivered());
        let (waited, told) = match is_first {
            true => (SLOW, vec![EventKind::Delivered]),
            false => (Duration::ZERO, vec![]),
        };
        assert_eq!(begun.elapsed(), waited);
        assert_eq!(kinds(&backend).await, told);
        agent.storage.flush().await;
        assert_eq!(kinds(&backend).await, [EventKind::Delivered]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_hangs_does_not_keep_a_reply_for_ever() {
    let backend = Failing {
        inner: MemoryBackend::new().with_events(100),
        ..Failing::default()
    };
    backend.slow_summaries.store(100, Ordering::Relaxed);
    let agent = Agent::on(backend.clone(), Script::new()).await;
    agent.storage.commit_events_first();
    let begun = Instant::now();
    let sent = (0..5).map(|_| send(agent.writer.clone(), mail("a@x"), [rcpt("b@y")], MESSAGE));
    // The first is written alone, and all others together after it.
    for outcome in futures_util::future::join_all(sent).await {
        assert!(outcome.is_delivered());
    }
    assert!(begun.elapsed() <= Duration::from_secs(60));
    agent.storage.flush().await;
    assert_eq!(kinds(&backend).await.len(), 5);
}
