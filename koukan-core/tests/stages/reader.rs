//! Which of several processes reads events.

use koukan_core::storage::{Records, Storage};

use crate::{
    agent::Agent,
    replicas::{Conduct, Times, cut_off, replica, seconds, store},
};

/// Reads forever, whenever it may, and notes when that begins and ends.
async fn read(storage: Storage, times: Times, begins: &'static str, ends: &'static str) {
    loop {
        let session = storage.hold_reader("r").await;
        assert!(storage.holds_reader(session));
        times.note(begins);
        storage.reader_lost(session).await;
        assert!(!storage.holds_reader(session));
        times.note(ends);
    }
}

/// A reader that cannot refresh its session stops before another begins, and does not begin again before that
/// one has left.
#[tokio::test(start_paused = true)]
async fn who_is_cut_off_stops_before_another_begins() {
    let (store, times) = (store(), Times::new());
    let upstream = || times.upstream(Conduct::Takes);
    let silent = Agent::on_shared(cut_off(&store, 3..20), upstream()).await;
    let other = replica(&store, upstream()).await;
    let reading = read(silent.storage.clone(), times.clone(), "one", "one lost");
    let reading = tokio::spawn(reading);
    seconds(1).await;
    assert_eq!(times.all(), ["one"]);
    let next = read(other.storage.clone(), times.clone(), "other", "other left");
    let next = tokio::spawn(next);
    seconds(1).await;
    // The other waits as long as that one lives, whatever it is doing.
    assert_eq!(times.all(), ["one"]);
    seconds(38).await;
    assert_eq!(times.all(), ["one", "one lost", "other"]);
    let reader = store.reader("r").await.unwrap();
    assert_eq!(reader, Some(other.storage.session()));
    other.storage.leave().await.unwrap();
    seconds(2).await;
    let all = ["one", "one lost", "other", "other left", "one"];
    assert_eq!(times.all(), all);
    reading.abort();
    next.abort();
}
