//! An agent without sockets: Exploder, StorageWriter, OutputHandler and Dispatcher over a scripted
//! upstream.

use std::{
    collections::VecDeque,
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use jiff::Timestamp;
use koukan_core::{
    blob::BlobPool,
    clock::{Clock, SharedClock},
    context::Sender,
    event::Observers,
    observer::Log,
    service::{BoxMailService, MailService},
    stage::{
        dispatcher::Dispatcher,
        exploder::{Exploder, ReplyPolicy},
        output_handler::{AttemptService, Chain, Notifications, OutputHandler, RetryPolicy},
        storage_writer::{StorageWriter, StorageWriterTimeouts},
    },
    storage::{Backend, Census, MemoryBackend, Storage},
    test_util::{Script, TokioClock},
    transaction::Transaction,
};
use tokio::{sync::oneshot, task::JoinHandle};
use tower::{ServiceExt, service_fn};

pub(crate) static RETRY: LazyLock<RetryPolicy> = LazyLock::new(|| {
    RetryPolicy::default()
        .with_min_attempt_time(Duration::from_secs(60))
        .with_max_attempt_time(Duration::from_secs(600))
        .with_max_attempts(Some(5))
        .with_deadline(Duration::from_secs(3600))
});

pub(crate) static TIMEOUTS: LazyLock<StorageWriterTimeouts> = LazyLock::new(|| {
    StorageWriterTimeouts::default()
        .with_rcpt(Duration::from_secs(5))
        .with_final_reply(Duration::from_secs(10))
});

/// All parts, for separate use.
pub(crate) struct Agent {
    pub(crate) storage: Storage,
    pub(crate) output: OutputHandler<Chain>,
    pub(crate) writer: StorageWriter<OutputHandler<Chain>>,
    pub(crate) clock: SharedClock,
}

impl Agent {
    pub(crate) async fn over(upstream: impl MailService) -> Self {
        Self::on(MemoryBackend::new(), upstream).await
    }

    pub(crate) async fn on(backend: impl Backend, upstream: impl MailService) -> Self {
        Self::with(backend, BlobPool::default(), upstream).await
    }

    /// On a backend that others use as well.
    pub(crate) async fn on_shared(backend: Arc<dyn Backend>, upstream: impl MailService) -> Self {
        let clock = Arc::new(TokioClock::default());
        Self::with_all(backend, BlobPool::default(), upstream, clock, Log.into()).await
    }

    pub(crate) async fn with(
        backend: impl Backend,
        pool: BlobPool,
        upstream: impl MailService,
    ) -> Self {
        let clock = Arc::new(TokioClock::default());
        Self::with_all(Arc::new(backend), pool, upstream, clock, Log.into()).await
    }

    pub(crate) async fn with_clock(
        backend: impl Backend,
        upstream: impl MailService,
        clock: SharedClock,
    ) -> Self {
        Self::with_all(
            Arc::new(backend),
            BlobPool::default(),
            upstream,
            clock,
            Log.into(),
        )
        .await
    }

    pub(crate) async fn observed(
        backend: impl Backend,
        upstream: impl MailService,
        observers: Observers,
    ) -> Self {
        let clock = Arc::new(TokioClock::default());
        Self::with_all(
            Arc::new(backend),
            BlobPool::default(),
            upstream,
            clock,
            observers,
        )
        .await
    }

    async fn with_all(
        backend: Arc<dyn Backend>,
        pool: BlobPool,
        upstream: impl MailService,
        clock: SharedClock,
        observers: Observers,
    ) -> Self {
        let storage = Storage::open_observed(backend, pool, Arc::clone(&clock), observers);
        let storage = storage.await.unwrap();
        let chain = Chain {
            service: BoxMailService::new(upstream),
            retry: *RETRY,
        };
        let notifications = Notifications {
            reporting_mta: "mx.example.com".into(),
            sender: Sender::new("notification"),
        };
        let output = OutputHandler::new(chain, notifications);
        let writer = StorageWriter::new(storage.clone(), output.clone()).with_timeouts(*TIMEOUTS);
        Self {
            storage,
            output,
            writer,
            clock,
        }
    }

    pub(crate) fn exploder(&self, policy: ReplyPolicy) -> impl MailService + use<> {
        Exploder::new(
            self.writer.clone().boxed(),
            policy,
            self.storage.pool().clone(),
        )
    }

    /// Runs the dispatcher until the handle is stopped.
    pub(crate) fn dispatch(&self) -> Dispatching {
        self.dispatch_to(self.output.clone())
    }

    /// As `dispatch`, to another service.
    pub(crate) fn dispatch_to(&self, output: impl AttemptService) -> Dispatching {
        let dispatcher = Dispatcher::new(self.storage.clone(), output, 8);
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(dispatcher.run(async {
            let _ = stopped.await;
        }));
        Dispatching { stop, task }
    }

    pub(crate) async fn census(&self) -> Census {
        self.storage.flush().await;
        self.storage.backend().census().await.unwrap()
    }

    /// Seconds since the agent began.
    pub(crate) fn seconds(&self) -> i64 {
        self.clock.now().duration_since(Self::start()).as_secs()
    }

    /// When every agent begins.
    pub(crate) fn start() -> Timestamp {
        koukan_core::test_util::ManualClock::default().now()
    }
}

pub(crate) struct Dispatching {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Dispatching {
    /// Drops it, with all attempts.
    pub(crate) async fn abort(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }

    pub(crate) async fn stop(self) {
        let _ = self.stop.send(());
        self.task.await.unwrap();
    }
}

/// An upstream that plays one script after the other, and repeats the last one.
pub(crate) fn turns(scripts: impl IntoIterator<Item = Script>) -> impl MailService {
    let scripts: Arc<Mutex<VecDeque<_>>> = Arc::new(Mutex::new(scripts.into_iter().collect()));
    service_fn(move |tx: Transaction| {
        let script = {
            let mut scripts = scripts.lock().unwrap();
            let next = scripts.front().cloned().unwrap();
            if scripts.len() > 1 {
                scripts.pop_front();
            }
            next
        };
        async move { script.oneshot(tx).await }
    })
}

/// Waits, in tokio's paused time, until the condition holds.
pub(crate) async fn until<Fut: Future<Output = bool>>(mut holds: impl FnMut() -> Fut) {
    let wait = async {
        while !holds().await {
            tokio::time::advance(Duration::from_secs(1)).await;
            tokio::task::yield_now().await;
        }
    };
    let limit = Duration::from_secs(24 * 3600);
    tokio::time::timeout(limit, wait)
        .await
        .expect("it never came");
}
