//! Connections that listen for what other processes write.

use std::time::Duration;

use tokio::{sync::watch, time::timeout};

use super::postgres::execute;

/// More than anything here takes.
const LONG: Duration = Duration::from_secs(60);

/// The connections that listen.
pub(crate) const LISTENING: &str = "FROM pg_stat_activity WHERE datname = current_database() \
    AND state = 'idle' AND query LIKE 'LISTEN%'";

/// Waits until `count` connections listen.
pub(crate) async fn await_listeners(url: &str, count: u32) {
    let listening = async || {
        let url = url.to_owned();
        let ask = move || execute(&url, &format!("SELECT count(*) {LISTENING}"));
        tokio::task::spawn_blocking(ask).await.unwrap()
    };
    timeout(LONG, async {
        while listening().await.trim() != count.to_string() {}
    })
    .await
    .unwrap();
}

/// Waits until something was told that was not told before.
pub(crate) async fn hear(told: &mut watch::Receiver<u64>) {
    timeout(LONG, told.changed()).await.unwrap().unwrap();
}

/// Waits until it was told that many times.
pub(crate) async fn hear_until(told: &mut watch::Receiver<u64>, times: u64) {
    let heard = timeout(LONG, told.wait_for(|told| *told >= times)).await;
    let heard = *heard.unwrap().unwrap();
    assert_eq!(heard, times, "its own are not told");
}
