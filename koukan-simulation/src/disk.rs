//! What survives a process of the agent.

use std::{sync::Arc, time::Duration};

use futures_util::future::{BoxFuture, ready};
use jiff::Timestamp;
use koukan_core::{
    clock::Clock,
    storage::{Backend, BackendError, MemoryBackend},
};

use super::world::World;

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

/// How long a session lives that is not heard, where several processes share a store. Longer than otherwise: each
/// says again and again that it lives, and simulations go on for hours.
const TERM: Duration = Duration::from_secs(60);

/// Events that are kept: more than there are.
const EVENTS: usize = 100_000;

/// The clock of a store: it is right.
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
