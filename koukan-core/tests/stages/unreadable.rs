//! Octets that cannot be read back from storage.

use std::{sync::atomic::Ordering, time::Duration};

use jiff::SignedDuration;
use koukan_core::{
    storage::record::{Status, Work},
    test_util::Script,
};

use crate::{
    agent::{Agent, until},
    failing::Failing,
    queued::queued,
};

#[tokio::test(start_paused = true)]
async fn a_message_that_cannot_be_read_is_neither_attempted_nor_bounced() {
    let backend = Failing::default();
    let up = Script::new();
    let agent = Agent::on(backend.clone(), up.clone()).await;
    // Long past the deadline: the next failed attempt is the last.
    let created = agent.clock.now() - SignedDuration::from_hours(2);
    let new = queued("b@y", created);
    let id = new.id;
    agent.storage.backend().insert(new).await.unwrap();
    backend.failed_reads.store(3, Ordering::Relaxed);
    let dispatching = agent.dispatch();
    tokio::time::sleep(Duration::from_secs(10)).await;
    let found = agent.storage.backend().find(id).await.unwrap().unwrap();
    assert_eq!(found.attempt_count, 0);
    assert!(
        matches!(found.status, Status::Due(due) if due.work == Work::Attempt && due.at > agent.clock.now()),
        "{:?}",
        found.status
    );
    until(|| async { agent.census().await.finished == 1 }).await;
    assert_eq!(backend.failed_reads.load(Ordering::Relaxed), 0);
    let found = agent.storage.backend().find(id).await.unwrap().unwrap();
    assert_eq!(found.attempt_count, 1);
    let received = up.received();
    let whole = received
        .iter()
        .filter(|one| one.text() == crate::queued::MESSAGE);
    assert_eq!(whole.count(), 1);
    let is_told = received.iter().any(|one| one.reverse_path().is_null());
    assert!(!is_told, "a notification was sent");
    dispatching.stop().await;
}
