//! An agent that delivers to a silent host.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use koukan_core::{
    blob::BlobPool,
    context::Sender,
    middleware::DeliverOutcome,
    observer::Log,
    service::BoxMailService,
    stage::{
        dispatcher::Dispatcher,
        exploder::{Exploder, ReplyPolicy},
        output_handler::{Chain, Notifications, OutputHandler, RetryPolicy},
        sharing::Sharing,
        storage_writer::{StorageWriter, StorageWriterTimeouts},
    },
    storage::{
        Backend, Listing, MemoryBackend, Search, Storage,
        record::{FinalReason, TransactionId},
    },
    test_util::send,
    transaction::Transaction,
};
use koukan_smtp::client::{ClientSettings, SmtpEndpoint};
use tokio::task::JoinHandle;
use tower::{Service, service_fn};

use crate::sending::{mail, rcpt};

use super::host::Host;

/// An agent that delivers to a host.
pub(super) struct Agent {
    pub(super) storage: Storage,
    output: OutputHandler<Chain>,
    calls: Arc<AtomicUsize>,
}

/// Counts until it is dropped.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Agent {
    pub(super) async fn over(backend: &Arc<MemoryBackend>, host: &Host, is_shared: bool) -> Self {
        Self::on(Arc::clone(backend) as _, host, is_shared).await
    }

    /// On a backend that others use as well.
    pub(super) async fn on(backend: Arc<dyn Backend>, host: &Host, is_shared: bool) -> Self {
        let clock = Arc::clone(&host.clock);
        let storage = Storage::open_observed(backend, BlobPool::default(), clock, Log.into());
        let settings = ClientSettings::new("me.example").unwrap();
        let settings = settings.with_hosts(["mx.example:25".parse().unwrap()]);
        let network = Arc::new(host.clone());
        let endpoint = SmtpEndpoint::with_network(settings, Arc::clone(&network) as _, network);
        let (demand, calls) = (endpoint.demand(), Arc::<AtomicUsize>::default());
        let count = Arc::clone(&calls);
        let endpoint = service_fn(move |tx: Transaction| {
            let (counted, call) = (Counted::new(&count), endpoint.clone().call(tx));
            async move {
                let result = call.await;
                drop(counted);
                result
            }
        });
        let service = match is_shared {
            true => Sharing::new(endpoint).with_demand(demand).boxed(),
            false => BoxMailService::new(endpoint),
        };
        let chain = Chain {
            service,
            retry: RetryPolicy::default(),
        };
        let notifications = Notifications {
            reporting_mta: "me.example".into(),
            sender: Sender::new("notification"),
        };
        Self {
            storage: storage.await.unwrap(),
            output: OutputHandler::new(chain, notifications),
            calls,
        }
    }

    /// How many calls of the endpoint are under way.
    pub(super) fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    /// Takes a message for two recipients, whose attempts then go on without the client.
    pub(super) async fn take(&self, message: &str) {
        let outcome = self.offer(ReplyPolicy::Submission, message).await;
        assert!(outcome.is_delivered(), "{outcome:?}");
    }

    /// Gives the replies to a client that sends a message for two recipients.
    pub(super) fn offer(
        &self,
        policy: ReplyPolicy,
        message: &str,
    ) -> impl Future<Output = DeliverOutcome> + Send + use<> {
        let timeouts = StorageWriterTimeouts::default()
            .with_rcpt(Duration::from_secs(5))
            .with_final_reply(Duration::from_secs(10));
        let writer = StorageWriter::new(self.storage.clone(), self.output.clone());
        let writer = writer.with_timeouts(timeouts).boxed();
        let pool = self.storage.pool().clone();
        let front = Exploder::new(writer, policy, pool);
        send(front, mail(""), [rcpt("b"), rcpt("c")], message.to_owned())
    }

    /// Attempts what is queued.
    pub(super) fn dispatch(&self) -> JoinHandle<()> {
        let dispatcher = Dispatcher::new(self.storage.clone(), self.output.clone(), 8);
        tokio::spawn(dispatcher.run(pending()))
    }

    pub(super) async fn ids(&self) -> Vec<TransactionId> {
        let listing = Listing {
            sender: None,
            state: None,
            search: Search::default(),
            before: None,
            limit: 9,
        };
        let found = self.storage.backend().select(listing).await.unwrap();
        found.iter().map(|place| place.id).collect()
    }

    pub(super) async fn cancel(&self, id: TransactionId) {
        let watch = self.storage.watch(id).await.unwrap().unwrap();
        self.storage.cancel(&watch).await.unwrap();
    }

    pub(super) async fn end(&self, id: TransactionId) -> Option<FinalReason> {
        let watch = self.storage.watch(id).await.unwrap();
        watch.and_then(|mut watch| watch.snapshot().final_reason)
    }
}
