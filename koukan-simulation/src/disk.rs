//! What survives a process of the agent.

use std::sync::Arc;

use futures_util::future::{BoxFuture, ready};
use koukan_core::storage::{Backend, BackendError, MemoryBackend};

/// Durable storage, as one simulation has it from its first process to its last.
pub trait Disk: Send + Sync {
    /// Opens what is stored, in the name of another process; the one before is no more.
    ///
    /// # Errors
    ///
    /// As the backend says.
    fn open(&self) -> BoxFuture<'_, Result<Arc<dyn Backend>, BackendError>>;

    /// Whether calls take real time, during which the simulated time is to stand still.
    fn is_real(&self) -> bool;
}

/// Makes an empty disk for each simulation.
pub type Disks = Arc<dyn Fn() -> Box<dyn Disk> + Send + Sync>;

/// A disk in memory.
pub(crate) struct Memory(MemoryBackend);

impl Memory {
    pub(crate) fn new() -> Self {
        Self(MemoryBackend::new())
    }
}

impl Disk for Memory {
    fn open(&self) -> BoxFuture<'_, Result<Arc<dyn Backend>, BackendError>> {
        let backend: Arc<dyn Backend> = Arc::new(self.0.another_process());
        Box::pin(ready(Ok(backend)))
    }

    fn is_real(&self) -> bool {
        false
    }
}
