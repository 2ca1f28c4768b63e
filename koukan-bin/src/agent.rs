//! An agent that runs.

use std::{
    fmt, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use futures_util::future::join_all;
use koukan_core::{
    service::{BoxMailService, MailService},
    storage::Drain,
};
use koukan_storage::SqliteBackend;
use serde::de::DeserializeOwned;
use tokio::{task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;
use tower::Layer;

use crate::{
    compose::{Parts, StartError, collect_garbage, compose, probe_storage},
    config::{Config, ConfigError, ConfigWarnings},
    registry::Registry,
};

/// What is ended when the agent is told to stop, and how long it is waited for after that.
///
/// Queued mail is given back at once, unless its message has gone out and only the reply is missing:
/// that would be sent twice. Clients that wait get a little time. In all it takes less than the 30 s
/// after which an orchestrator kills.
const DRAIN: [(Drain, Duration); 3] = [
    (Drain::Committed, Duration::from_secs(5)),
    (Drain::Live, Duration::from_secs(18)),
    (Drain::All, Duration::from_secs(2)),
];
/// How long idle connections may take to end.
const QUIT: Duration = Duration::from_secs(1);
/// How long each of the last two writes may take: what became of transactions, and the end of the
/// database. Storage that does not answer must not keep the process.
const CLOSE: Duration = Duration::from_secs(5);

/// An agent to be built: the filters it knows.
///
/// # Example
///
/// ```no_run
/// use koukan::Koukan;
/// use koukan_core::middleware::{Next, from_fn};
/// use koukan_core::{reply::Reply, transaction::Transaction};
/// use serde::Deserialize;
/// use tower::BoxError;
///
/// #[derive(Deserialize)]
/// #[serde(deny_unknown_fields)]
/// struct Greylist {}
///
/// async fn greylist(_tx: Transaction, _next: Next) -> Result<Reply, BoxError> {
///     Ok(Reply::mailbox_busy())
/// }
///
/// # async fn example() -> Result<(), BoxError> {
/// Koukan::builder()
///     .filter("greylist", |_: Greylist| from_fn(greylist))
///     .config_file("koukan.yaml")?
///     .run()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
#[must_use = "a builder does nothing by itself"]
pub struct Builder {
    registry: Registry,
}

/// An agent with its configuration, ready to start.
#[derive(Debug)]
pub struct Koukan {
    registry: Registry,
    config: Config,
    warnings: ConfigWarnings,
    /// Where the configuration stands, for errors.
    file: PathBuf,
}

impl Builder {
    /// Adds a filter that config can name: `build` makes a layer of its configuration.
    pub fn filter<C, L>(
        mut self,
        name: &str,
        build: impl Fn(C) -> L + Send + Sync + 'static,
    ) -> Self
    where
        C: DeserializeOwned,
        L: Layer<BoxMailService, Service: MailService> + Send + Sync + 'static,
    {
        self.registry.filter(name, build);
        self
    }

    /// Reads and checks a configuration file.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], with all that is wrong.
    pub fn config_file(self, path: impl AsRef<Path>) -> Result<Koukan, ConfigError> {
        let file = path.as_ref().to_owned();
        let (config, warnings) = Config::load_with_warnings(&file, &self.registry)?;
        Ok(Koukan {
            registry: self.registry,
            config,
            warnings,
            file,
        })
    }

    /// Checks a configuration that is a text; `name` is what it is called in errors.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], with all that is wrong.
    pub fn config_text(self, name: &str, text: &str) -> Result<Koukan, ConfigError> {
        let file = PathBuf::from(name);
        let (config, warnings) = Config::parse_with_warnings(&file, text, &self.registry)?;
        Ok(Koukan {
            registry: self.registry,
            config,
            warnings,
            file,
        })
    }
}

impl Koukan {
    /// An agent with the filters of `koukan-core`.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What may be wrong with the configuration.
    pub fn warnings(&self) -> &ConfigWarnings {
        &self.warnings
    }

    /// Starts the agent; it listens and works on its queue when this returns.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub async fn start(self) -> Result<Running, StartError> {
        for warning in self.warnings.problems() {
            let (line, message) = (warning.line, &warning.message);
            tracing::warn!(file = %self.file.display(), line, "{message}");
        }
        let parts = compose(&self.config, &self.registry).await;
        let parts = parts.map_err(|error| error.located(&self.file, &self.config))?;
        let Parts {
            storage,
            database,
            dispatcher,
            listeners,
            endpoints,
        } = parts;
        let addresses = listeners.smtp_addresses();
        let rest_addresses = listeners.rest_addresses();
        tracing::info!(
            smtp = ?addresses.as_deref().unwrap_or_default(),
            rest = ?rest_addresses.as_deref().unwrap_or_default(),
            "listening"
        );
        let stop = CancellationToken::new();
        let retention = self.config.storage.retention;
        let garbage = tokio::spawn(collect_garbage(storage.clone(), retention));
        let backend = Arc::clone(storage.backend());
        let probe = move || {
            let backend = Arc::clone(&backend);
            async move { backend.probe().await }
        };
        let probing = tokio::spawn(probe_storage(probe, listeners.readiness.clone()));
        let dispatching = tokio::spawn(dispatcher.run(stop.clone().cancelled_owned()));
        let serving = tokio::spawn(listeners.serve(stop.clone()));
        Ok(Running {
            addresses,
            rest_addresses,
            stop,
            storage,
            database,
            endpoints,
            serving,
            dispatching,
            garbage,
            probing,
        })
    }

    /// Runs the agent until the process is told to stop by SIGTERM or SIGINT, and stops it in good
    /// order; a second signal ends the process at once.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub async fn run(self) -> Result<(), StartError> {
        let running = self.start().await?;
        crate::unix_signals::stop_requested().await;
        tracing::info!("stopping");
        running.stop().await;
        Ok(())
    }
}

/// An agent that runs.
#[must_use = "an agent goes on running until it is stopped"]
pub struct Running {
    addresses: io::Result<Vec<SocketAddr>>,
    rest_addresses: io::Result<Vec<SocketAddr>>,
    stop: CancellationToken,
    storage: koukan_core::storage::Storage,
    database: Option<SqliteBackend>,
    endpoints: Vec<koukan_smtp::SmtpEndpoint>,
    serving: JoinHandle<()>,
    dispatching: JoinHandle<()>,
    garbage: JoinHandle<()>,
    probing: JoinHandle<()>,
}

impl Running {
    /// The addresses that SMTP clients connect to, in the order of the configuration.
    pub fn smtp_addresses(&self) -> &[SocketAddr] {
        self.addresses.as_deref().unwrap_or_default()
    }

    /// The addresses that HTTP clients connect to, in the order of the configuration.
    pub fn rest_addresses(&self) -> &[SocketAddr] {
        self.rest_addresses.as_deref().unwrap_or_default()
    }

    /// What the agent keeps.
    pub fn storage(&self) -> &koukan_core::storage::Storage {
        &self.storage
    }

    /// Stops in good order: accepts nothing more, lets transactions and attempts that are under
    /// way end or gives their leases back, writes down what became of them, closes the database.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if !self.drain().await {
            self.serving.abort();
            self.dispatching.abort();
            tracing::warn!(
                "attempts under way were abandoned; they are made again at the next start"
            );
        }
        self.garbage.abort();
        self.probing.abort();
        let quits = self.endpoints.iter().map(koukan_smtp::SmtpEndpoint::close);
        let quits = timeout(QUIT, join_all(quits));
        let closed = async {
            let mut is_closed = timeout(CLOSE, self.storage.flush()).await.is_ok();
            match &self.database {
                Some(database) => is_closed &= timeout(CLOSE, database.close()).await.is_ok(),
                None => tell_what_is_lost(&self.storage).await,
            }
            if !is_closed {
                tracing::warn!("storage does not answer; the next start finds out where it was");
            }
        };
        // A destination that does not answer to QUIT has had its time.
        let _ = tokio::join!(quits, closed);
    }

    /// Ends what is under way, more and more of it; `false` where something went on all the same.
    async fn drain(&mut self) -> bool {
        let ended = async {
            let _ = (&mut self.serving).await;
            let _ = (&mut self.dispatching).await;
            self.storage.given_back().await;
        };
        let mut ended = std::pin::pin!(ended);
        for (drain, patience) in DRAIN {
            self.storage.drain(drain);
            if timeout(patience, &mut ended).await.is_ok() {
                return true;
            }
        }
        false
    }
}

/// Says how much of what is in memory was promised and is not delivered.
async fn tell_what_is_lost(storage: &koukan_core::storage::Storage) {
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
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}
