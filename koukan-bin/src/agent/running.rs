//! An agent that runs.

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use futures_util::future::join_all;
use koukan_core::{
    clock::SharedClock,
    storage::{Drain, Retention, Storage},
    supervision::GivenUp,
};
use koukan_rest::health::Readiness;
use koukan_smtp::SmtpEndpoint;
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    compose::{Exposition, Files, Keeper, Parts, probe_storage, tell_soundness},
    config::Config,
    supervisor::{Part, Supervisor, works},
};

/// How long idle connections may take to end.
const QUIT: Duration = Duration::from_secs(1);
/// How long each of the last two writes may take: what became of transactions, and the end of the
/// database. Storage that does not answer must not keep the process.
const CLOSE: Duration = Duration::from_secs(5);

/// An agent that runs.
#[must_use = "an agent goes on running until it is stopped"]
pub struct Running {
    smtp_addresses: Vec<SocketAddr>,
    rest_addresses: Vec<SocketAddr>,
    readiness: Readiness,
    lost: watch::Receiver<Option<GivenUp>>,
    /// Cancelled when nothing more is taken from the queue.
    rest: CancellationToken,
    stop: CancellationToken,
    /// How long clients are served as before once it is to stop.
    grace: Duration,
    storage: Storage,
    keeper: Keeper,
    endpoints: Vec<SmtpEndpoint>,
    api: axum::Router,
    metrics: Exposition,
    serving: JoinHandle<()>,
    dispatching: JoinHandle<()>,
    files: Files,
    /// Parts that have nothing to end in good order.
    others: Vec<JoinHandle<()>>,
}

impl Running {
    pub(super) fn start(parts: Parts, config: &Config) -> Self {
        const ALL: &[&str] = &[works::AT_ONCE, works::KEPT, works::QUEUED];

        let Parts {
            storage,
            keeper,
            dispatcher,
            listeners,
            endpoints,
            api,
            metrics,
            webhooks,
            files,
            clock,
        } = parts;
        let (smtp_addresses, rest_addresses) =
            (listeners.smtp_addresses(), listeners.rest_addresses());
        let readiness = listeners.readiness.clone();
        let supervisor = Supervisor::new(readiness.clone());
        let lost = supervisor.given_up();
        let stop = CancellationToken::new();

        let rest = CancellationToken::new();
        let dispatch = {
            let rest = rest.clone();
            move || dispatcher.clone().run(rest.clone().cancelled_owned())
        };
        let part = Part::new("dispatcher", &[works::AT_ONCE, works::KEPT]);
        let dispatching = tokio::spawn(supervisor.clone().run(part, rest.clone(), dispatch));
        let serving = tokio::spawn(listeners.serve(supervisor.clone(), stop.clone()));

        // Those that are aborted are told of no stop.
        let never = CancellationToken::new();
        let collect = {
            let (storage, retention) = (storage.clone(), Retention::from(&config.storage));
            move || {
                let storage = storage.clone();
                async move { storage.collect_garbage(retention).await }
            }
        };
        let probe = {
            let (backend, readiness) = (Arc::clone(storage.backend()), readiness.clone());
            let is_needed = config.promises_mail();
            move || {
                let backend = Arc::clone(&backend);
                let probe = move || {
                    let backend = Arc::clone(&backend);
                    async move { backend.probe().await }
                };
                probe_storage(probe, readiness.clone(), is_needed)
            }
        };
        let follow_session = {
            let (sound, readiness) = (storage.is_sound(), readiness.clone());
            move || tell_soundness(sound.clone(), readiness.clone())
        };
        let keep_up = {
            let metrics = metrics.clone();
            move || metrics.clone().keep_up()
        };
        let count = {
            let (depth, storage) = (metrics.depth(), storage.clone());
            move || depth.clone().follow(storage.clone())
        };
        let last = files.clone();
        let follow = move || files.clone().follow(SharedClock::clone(&clock));
        let part = |name| Part::new(name, ALL);
        let mut others = vec![
            tokio::spawn(supervisor.clone().run(
                part("collector of garbage"),
                never.clone(),
                collect,
            )),
            tokio::spawn(
                supervisor
                    .clone()
                    .run(part("probe of storage"), never.clone(), probe),
            ),
            tokio::spawn(supervisor.clone().run(
                part("hold on storage"),
                never.clone(),
                follow_session,
            )),
            tokio::spawn(
                supervisor
                    .clone()
                    .run(part("upkeep of metrics"), never.clone(), keep_up),
            ),
            tokio::spawn(
                supervisor
                    .clone()
                    .run(part("count of the queue"), never.clone(), count),
            ),
            tokio::spawn(supervisor.clone().run(
                part("renewal of certificates and users"),
                never.clone(),
                follow,
            )),
        ];
        for hook in webhooks {
            let part = Part::new(format!("webhook {}", hook.name()), ALL);
            let tell = move || hook.clone().run();
            others.push(tokio::spawn(supervisor.clone().run(
                part,
                never.clone(),
                tell,
            )));
        }
        if let Some(ended) = keeper.ended() {
            let part = Part::essential("database", &[works::AT_ONCE]);
            others.push(tokio::spawn(supervisor.run(part, never, ended)));
        }
        Self {
            smtp_addresses,
            rest_addresses,
            readiness,
            lost,
            rest,
            stop,
            grace: config.shutdown.grace(),
            storage,
            keeper,
            endpoints,
            api,
            metrics,
            serving,
            dispatching,
            files: last,
            others,
        }
    }

    /// The addresses that SMTP clients connect to, in the order of the configuration; Unix sockets have none.
    pub fn smtp_addresses(&self) -> &[SocketAddr] {
        &self.smtp_addresses
    }

    /// The addresses that HTTP clients connect to, in the order of the configuration; Unix sockets have none.
    pub fn rest_addresses(&self) -> &[SocketAddr] {
        &self.rest_addresses
    }

    /// The REST API, as routes for an HTTP server of one's own; whether or not the configuration has a
    /// `rest_listener`. Its paths begin with `/senders/`, `/transactions/` and others: see the
    /// [API's page](https://docs.rs/koukan-rest).
    ///
    /// Nothing in them asks who a client is: whoever can reach them can send mail on behalf of every
    /// sender and change the queue. Put a layer around them that asks.
    pub fn router(&self) -> axum::Router {
        self.api.clone()
    }

    /// What the agent keeps.
    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// What was counted and measured, in the text format of Prometheus: as `/metrics` answers.
    pub fn metrics(&self) -> String {
        self.metrics.render(&self.storage)
    }

    /// Whether the agent takes mail, for health checks of one's own.
    pub fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    /// Waits until a part of the agent is lost that cannot be started anew, or was again and again.
    /// The agent is not ready from then on: it is to be stopped, and the process to end.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when it is dropped: whoever asks later is told as well.
    pub async fn lost(&self) -> GivenUp {
        let mut lost = self.lost.clone();
        if let Ok(found) = lost.wait_for(Option::is_some).await
            && let Some(given_up) = &*found
        {
            return given_up.clone();
        }
        // Nobody is left who could lose something: the agent has ended.
        std::future::pending().await
    }

    /// Stops in good order. It is not ready from now on, and gives back what it has leased from the queue. For as long as
    /// `shutdown.grace` of the configuration says, it serves clients as before, so that nobody sends clients here any more
    /// when connections are refused. Then it accepts nothing more, lets transactions and attempts that are under way end,
    /// writes down what became of them, and closes the database.
    pub async fn stop(mut self) {
        self.readiness.leave();
        // What is kept in memory alone nobody else can deliver.
        if !matches!(self.keeper, Keeper::Memory) {
            self.rest.cancel();
            self.storage.drain(Drain::Committed);
        }
        // An agent that has lost a part serves nobody.
        if self.lost.borrow().is_none() {
            sleep(self.grace).await;
        }
        self.rest.cancel();
        self.stop.cancel();
        if !self.drain().await {
            self.serving.abort();
            self.dispatching.abort();
            tracing::warn!(
                "attempts under way were abandoned; they are made again at the next start"
            );
        }
        for other in &self.others {
            other.abort();
        }
        let files_written = timeout(CLOSE, self.files.finish());
        let quits = self.endpoints.iter().map(SmtpEndpoint::close);
        let quits = timeout(QUIT, join_all(quits));
        let closed = async {
            let mut is_closed = timeout(CLOSE, self.storage.flush()).await.is_ok();
            // So that other replicas have at once what is left.
            let left = timeout(CLOSE, self.storage.leave()).await;
            is_closed &= matches!(left, Ok(Ok(())));
            match &self.keeper {
                Keeper::Database(database) => {
                    is_closed &= timeout(CLOSE, database.close()).await.is_ok();
                }
                Keeper::Server(database) => {
                    is_closed &= timeout(CLOSE, database.close()).await.is_ok();
                }
                Keeper::Memory => tell_what_is_lost(&self.storage).await,
                Keeper::Own => {}
            }
            if !is_closed {
                tracing::warn!("storage does not answer; the next start finds out where it was");
            }
        };
        // A destination that does not answer to QUIT has had its time.
        let _ = tokio::join!(quits, closed, files_written);
    }

    /// Ends what is under way, more and more of it; `false` where something went on all the same.
    async fn drain(&mut self) -> bool {
        let ended = async {
            let _ = (&mut self.serving).await;
            let _ = (&mut self.dispatching).await;
            self.storage.given_back().await;
        };
        self.storage.drain_by_steps(ended).await
    }
}

/// Says how much of what is in memory was promised and is not delivered.
async fn tell_what_is_lost(storage: &Storage) {
    let Ok(census) = storage.backend().census().await else {
        return;
    };
    let transactions = census.waiting + census.leased;
    if transactions > 0 {
        tracing::error!(
            transactions,
            "MAIL IS LOST: it was queued in memory, and storage is memory alone"
        );
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("smtp_addresses", &self.smtp_addresses)
            .finish_non_exhaustive()
    }
}
