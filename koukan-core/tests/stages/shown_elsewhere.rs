//! What a replica shows of transactions at which another one works.

use koukan_core::storage::{Drain, Records};

use crate::replicas::{Conduct, Times, insert, replica, seconds, store};

#[tokio::test(start_paused = true)]
async fn what_a_replica_attempts_is_active_at_all_others() {
    let (store, times) = (store(), Times::new());
    let one = replica(&store, times.upstream(Conduct::HangsAtRcpt)).await;
    let other = replica(&store, times.upstream(Conduct::Takes)).await;
    let id = insert(&store).await;
    let read = async || {
        let stored = store.find(id).await.unwrap().unwrap();
        let read = other.storage.snapshot_of(stored);
        let mut watch = other.storage.watch(id).await.unwrap().unwrap();
        [read, watch.snapshot()]
    };
    // Somebody there goes on watching it.
    let _watch = other.storage.watch(id).await.unwrap().unwrap();
    for before in read().await {
        assert!(!before.is_active && before.next_attempt.is_some());
        assert_eq!(before.attempt_count, 0);
    }
    let dispatching = one.dispatch();
    seconds(1).await;
    assert_eq!(times.all(), ["begun"]);
    for during in read().await {
        assert!(during.is_active && during.next_attempt.is_none());
        assert_eq!(during.attempt_count, 1);
    }
    one.storage.drain(Drain::Committed);
    dispatching.stop().await;
    for after in read().await {
        assert!(!after.is_active && after.next_attempt.is_some());
        assert_eq!(after.attempt_count, 0);
    }
}
