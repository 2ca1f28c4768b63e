//! Messages of transactions that were leased together are read from storage together.

use std::sync::atomic::Ordering;

use koukan_core::{
    blob::{BlobPool, Limits},
    storage::record::NewTransaction,
    test_util::Script,
};

use crate::{
    agent::{Agent, until},
    failing::Failing,
    queued::{MESSAGE, queued},
};

/// An agent with that many queued messages, all different, which is made to deliver them.
async fn deliver(backend: &Failing, pool: BlobPool, messages: usize) -> Script {
    let up = Script::new();
    let agent = Agent::with(backend.clone(), pool.clone(), up.clone()).await;
    for _ in 0..messages {
        let new: NewTransaction = queued("b@y", agent.clock.now());
        agent.storage.backend().insert(new).await.unwrap();
    }
    let dispatching = agent.dispatch();
    until(|| async { agent.census().await.finished == messages as u64 }).await;
    dispatching.stop().await;
    let received = up.received();
    assert_eq!(received.len(), messages);
    assert!(received.iter().all(|one| one.text() == MESSAGE));
    drop(agent);
    assert_eq!((pool.charged(), pool.used()), (0, 0), "octets are kept");
    up
}

fn count(counter: &std::sync::atomic::AtomicU32) -> u32 {
    counter.load(Ordering::Relaxed)
}

#[tokio::test(start_paused = true)]
async fn what_is_leased_together_is_read_together() {
    let backend = Failing::default();
    deliver(&backend, BlobPool::default(), 40).await;
    // Of eight places, half are leased at a time while nothing else is under way.
    let (alone, together) = (count(&backend.reads), count(&backend.small_reads));
    assert!(
        together <= 20 && alone <= 5,
        "{together} together, {alone} alone"
    );
    assert!(together >= 1);
}

#[tokio::test(start_paused = true)]
async fn where_they_cannot_be_read_together_each_is_read_for_itself() {
    let backend = Failing::default();
    backend.failed_small_reads.store(1000, Ordering::Relaxed);
    deliver(&backend, BlobPool::default(), 12).await;
    assert_eq!(count(&backend.reads), 12);
    assert!(count(&backend.failed_small_reads) < 1000);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_granted_memory_is_read_for_itself() {
    let backend = Failing::default();
    let limits = Limits::default().with_budget(8 * MESSAGE.len() as u64 - 1);
    deliver(&backend, BlobPool::in_memory(limits), 12).await;
    assert_eq!(count(&backend.reads), 12);
    assert!(count(&backend.small_reads) > 0);
}
