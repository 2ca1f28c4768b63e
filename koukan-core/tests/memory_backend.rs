//! The backend contract over `MemoryBackend`.

use std::sync::Arc;

use async_trait::async_trait;
use koukan_core::{
    backend_contract_tests,
    storage::{Backend, MemoryBackend},
    test_util::backend_contract::BackendFixture,
};

struct Memory(MemoryBackend);

#[async_trait]
impl BackendFixture for Memory {
    async fn open(&self) -> Arc<dyn Backend> {
        Arc::new(self.0.another_process())
    }
}

async fn memory() -> Memory {
    Memory(MemoryBackend::new().with_events(1000))
}

backend_contract_tests!(memory);
