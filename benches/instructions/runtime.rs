//! The runtime and storage for scenarios.

use std::sync::Arc;

use koukan_core::{
    blob::BlobPool,
    clock::SystemClock,
    event::Observers,
    storage::{MemoryBackend, Storage},
};

/// Runs `future` on one thread with timers, but without sockets.
pub(crate) fn block_on(future: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let runtime = runtime.expect("a runtime needs no more than memory");
    runtime.block_on(future);
}

/// Storage in memory, which needs no thread of its own.
pub(crate) async fn storage(observers: Observers) -> Storage {
    let backend = Arc::new(MemoryBackend::new());
    let clock = Arc::new(SystemClock);
    let storage = Storage::open_observed(backend, BlobPool::default(), clock, observers);
    storage.await.expect("memory does not fail")
}

/// Waits for what is written outside the reply path, and checks how many transactions have ended.
pub(crate) async fn check_finished(storage: &Storage, expected: usize) {
    storage.flush().await;
    let census = storage.backend().census().await;
    let census = census.expect("memory does not fail");
    assert_eq!(census.finished, expected as u64);
}
