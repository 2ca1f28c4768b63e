//! A running agent.

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
    compose::{Exposition, Files, Keeper, Kept, Parts, probe_storage, tell_soundness},
    config::Config,
    supervisor::{Part, Supervisor, works},
};

/// How long idle connections may take to end.
const QUIT: Duration = Duration::from_secs(1);
/// How long each of the last two writes may take: the outcomes of transactions, and closing the database. Storage
/// that does not answer must not keep the process alive.
const CLOSE: Duration = Duration::from_secs(5);

/// A running agent.
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
    /// Parts that can simply be aborted.
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
            own_url,
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

        // These parts are aborted, and are not told to stop.
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
            let kept = Kept {
                is_needed: config.promises_mail(),
                has_reserve: config.storage.has_reserve(),
            };
            move || {
                let backend = Arc::clone(&backend);
                let probe = move || {
                    let backend = Arc::clone(&backend);
                    async move { backend.probe().await }
                };
                probe_storage(probe, readiness.clone(), kept)
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
        others.extend(own_url.map(tokio::spawn));
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

    /// The addresses to which SMTP clients connect, in the order of the configuration; Unix sockets are left out.
    pub fn smtp_addresses(&self) -> &[SocketAddr] {
        &self.smtp_addresses
    }

    /// The addresses to which HTTP clients connect, in the order of the configuration; Unix sockets are left out.
    pub fn rest_addresses(&self) -> &[SocketAddr] {
        &self.rest_addresses
    }

    /// The REST API as routes for an HTTP server of your own, whether or not the configuration has a `rest_listener`.
    /// Its paths begin with `/senders/`, `/transactions/` and others: see the [API's
    /// page](https://docs.rs/koukan-rest).
    ///
    /// The routes do not authenticate: whoever can reach them can send mail on behalf of every sender and change the
    /// queue. Put a layer around them that authenticates.
    pub fn router(&self) -> axum::Router {
        self.api.clone()
    }

    /// The storage of the agent.
    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// The metrics in Prometheus' text format, as `/metrics` returns them.
    pub fn metrics(&self) -> String {
        self.metrics.render(&self.storage)
    }

    /// Whether the agent takes mail, for health checks of your own.
    pub fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    /// Waits until a part of the agent fails that cannot be restarted, or that has failed repeatedly. From then on
    /// the agent is not ready: stop it, and end the process.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped: a later call returns the same.
    pub async fn lost(&self) -> GivenUp {
        let mut lost = self.lost.clone();
        if let Ok(found) = lost.wait_for(Option::is_some).await
            && let Some(given_up) = &*found
        {
            return given_up.clone();
        }
        // The supervisor has ended, so no part can fail any more.
        std::future::pending().await
    }

    /// Stops in good order. From now on the agent is not ready, and gives back what it has leased from the queue. For the
    /// time `shutdown.grace` of the configuration it serves clients as before, so that nobody sends clients here any more
    /// when connections are refused. Then it accepts nothing more, lets running transactions and attempts end, stores the
    /// outcomes, and closes the database.
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
            // Gives up the session, so that other replicas take over the rest at once.
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
        // A destination that does not answer QUIT gets no more time.
        let _ = tokio::join!(quits, closed, files_written);
    }

    /// Ends what is running, in steps that become stricter; returns `false` if something was still running at the end.
    async fn drain(&mut self) -> bool {
        let ended = async {
            let _ = (&mut self.serving).await;
            let _ = (&mut self.dispatching).await;
            self.storage.given_back().await;
        };
        self.storage.drain_by_steps(ended).await
    }
}

/// Logs how much mail in memory was promised and is not delivered.
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
