//! What survives a process of the agent.

use std::{sync::Arc, time::Duration};

use futures_util::future::{BoxFuture, ready};
use jiff::Timestamp;
use koukan_core::{
    clock::Clock,
    storage::{Backend, BackendError, MemoryBackend},
};

use super::world::World;

/// Durable storage of one simulation, from its first process to its last.
pub trait Disk: Send + Sync {
    /// Opens the storage for a new process. The previous process has ended.
    ///
    /// # Errors
    ///
    /// The errors of the backend.
    fn open(&self) -> BoxFuture<'_, Result<Arc<dyn Backend>, BackendError>>;

    /// Whether calls take real time. Simulated time stands still during them.
    fn is_real(&self) -> bool;
}

/// Makes an empty disk for each simulation.
pub type Disks = Arc<dyn Fn() -> Box<dyn Disk> + Send + Sync>;

/// A disk in memory.
pub(crate) struct Memory(MemoryBackend);

/// How long a session lives without a sign of life, where several processes share a store. It is longer than
/// usual, since each process repeats its sign of life and simulations last for hours.
const TERM: Duration = Duration::from_secs(60);

/// How many events are kept: more than there ever are.
const EVENTS: usize = 100_000;

/// The store's clock, which is right.
#[derive(Debug)]
struct StoreClock(Arc<World>);

impl Clock for StoreClock {
    fn now(&self) -> Timestamp {
        World::time_of_day(self.0.elapsed())
    }
}

impl Memory {
    pub(crate) fn new(world: &Arc<World>) -> Self {
        let backend = MemoryBackend::new().with_events(EVENTS);
        if world.plan.replicas.is_empty() {
            return Self(backend);
        }
        let clock = Arc::new(StoreClock(Arc::clone(world)));
        Self(backend.with_session_term(TERM, clock))
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
