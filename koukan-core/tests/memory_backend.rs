//! The backend contract over `MemoryBackend`.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use koukan_core::{
    backend_contract_tests,
    clock::SystemClock,
    replica_contract_tests,
    storage::{Backend, MemoryBackend},
    test_util::backend_contract::{BackendFixture, ReplicaFixture},
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

#[async_trait]
impl ReplicaFixture for Memory {
    async fn join(&self) -> Arc<dyn Backend> {
        Arc::new(self.0.another_process())
    }
}

async fn shared() -> Memory {
    let term = Duration::from_secs(2);
    Memory(MemoryBackend::new().with_session_term(term, Arc::new(SystemClock)))
}

replica_contract_tests!(shared);
