use std::{fmt, sync::Arc};

use tokio::sync::Semaphore;

use crate::{
    blob::{BlobPool, Limits},
    clock::{Clock, SharedClock, SystemClock},
    context::Sender,
    event::{Observer, Observers},
    random::{Random, SharedRandom, SystemRandom},
    service::{BoxMailService, MailService},
    storage::{Backend, BackendError, MemoryBackend, Retention, Storage},
};

use super::{
    super::{
        dispatcher::{Dispatcher, MAX_IN_FLIGHT},
        output_handler::{Chain, Chains, Notifications, OutputHandler, RetryPolicy},
    },
    StoreAndForward,
    unattended::Attended,
};

/// A queue to be opened: [`StoreAndForward::builder`].
#[must_use = "a builder does nothing by itself"]
pub struct StoreAndForwardBuilder<C> {
    chains: C,
    name: Box<str>,
    notifications: Sender,
    backend: Arc<dyn Backend>,
    pool: BlobPool,
    clock: SharedClock,
    random: SharedRandom,
    observers: Observers,
    max_in_flight: usize,
    retention: Retention,
}

impl StoreAndForward {
    /// A queue in front of an endpoint, with attempts as in [`RetryPolicy::default`].
    ///
    /// An endpoint is any mail service: an SMTP client, a closure, filters around either. It also gets the
    /// notifications about mail that failed.
    pub fn builder(endpoint: impl MailService) -> StoreAndForwardBuilder<Chain> {
        Self::builder_with_retry(endpoint, RetryPolicy::default())
    }

    /// As [`StoreAndForward::builder`], with another retry policy.
    pub fn builder_with_retry(
        endpoint: impl MailService,
        retry: RetryPolicy,
    ) -> StoreAndForwardBuilder<Chain> {
        StoreAndForward::builder_with_chains(Chain {
            service: BoxMailService::new(endpoint),
            retry,
        })
    }

    /// A queue in front of several chains; the sender determines which one is used.
    pub fn builder_with_chains<C: Chains>(chains: C) -> StoreAndForwardBuilder<C> {
        StoreAndForwardBuilder {
            chains,
            name: "localhost".into(),
            notifications: Sender::new("notification"),
            backend: Arc::new(MemoryBackend::new()),
            pool: BlobPool::in_memory(Limits::default()),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            observers: Observers::default(),
            max_in_flight: MAX_IN_FLIGHT,
            retention: Retention::default(),
        }
    }
}

impl<C: Chains> StoreAndForwardBuilder<C> {
    /// Sets the name by which this agent reports (RFC 3464 section 2.2.2). Default `localhost`.
    pub fn with_name(mut self, name: &str) -> Self {
        self.name = name.into();
        self
    }

    /// Sets on whose behalf notifications are sent, which selects their chain. Default `notification`.
    pub fn with_notifications_of(mut self, sender: Sender) -> Self {
        self.notifications = sender;
        self
    }

    /// Stores mail in that backend. Default: in memory, so a 250 for queued mail holds only as long as the
    /// process.
    pub fn with_backend(mut self, backend: Arc<dyn Backend>) -> Self {
        self.backend = backend;
        self
    }

    /// Makes the messages' blobs in that pool, which can spill to disk. Default: in memory, up to the
    /// budget of [`Limits::default`].
    pub fn with_pool(mut self, pool: BlobPool) -> Self {
        self.pool = pool;
        self
    }

    /// Uses another clock.
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Uses another source for the jitter between attempts.
    pub fn with_random(mut self, random: impl Random) -> Self {
        self.random = Arc::new(random);
        self
    }

    /// Tells an observer about the progress of transactions. May be called several times.
    pub fn with_observer(mut self, observer: impl Observer) -> Self {
        self.observers = self.observers.with(Arc::new(observer));
        self
    }

    /// Limits how many attempts at queued mail run at the same time. Default [`MAX_IN_FLIGHT`].
    pub fn with_max_in_flight(mut self, max: usize) -> Self {
        self.max_in_flight = max;
        self
    }

    /// Sets how long mail that is over, and unused blobs, are kept. Default: see [`Retention`].
    pub fn with_retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// Begins a session on the backend.
    ///
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    pub async fn open(self) -> Result<StoreAndForward<C>, BackendError> {
        let Self {
            chains,
            name,
            notifications,
            backend,
            pool,
            clock,
            random,
            observers,
            max_in_flight,
            retention,
        } = self;
        let storage = Storage::open_observed(backend, pool, clock, observers).await?;
        let notifications = Notifications {
            reporting_mta: name,
            sender: notifications,
        };
        let output = OutputHandler::new(chains, notifications).with_random(random);
        let attended = Attended::default();
        tokio::spawn(attended.warn_if_not());
        Ok(StoreAndForward {
            dispatcher: Dispatcher::new(storage.clone(), output.clone(), max_in_flight),
            storage,
            output,
            retention,
            turn: Arc::new(Semaphore::new(1)),
            attended,
        })
    }
}

impl<C> fmt::Debug for StoreAndForwardBuilder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreAndForwardBuilder")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
