//! An agent that runs.

use std::{fmt, io, net::SocketAddr, path::Path, time::Duration};

use koukan_core::service::{BoxMailService, MailService};
use koukan_storage::SqliteBackend;
use serde::de::DeserializeOwned;
use tokio::{task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;
use tower::Layer;

use crate::{
    compose::{Parts, StartError, collect_garbage, compose},
    config::{Config, ConfigError},
    registry::Registry,
};

/// How long attempts that are under way may take after the agent was told to stop.
const DRAIN: Duration = Duration::from_secs(30);

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
        let config = Config::load(path.as_ref(), &self.registry)?;
        Ok(Koukan {
            registry: self.registry,
            config,
        })
    }

    /// Checks a configuration that is a text; `name` is what it is called in errors.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], with all that is wrong.
    pub fn config_text(self, name: &str, text: &str) -> Result<Koukan, ConfigError> {
        let config = Config::parse(Path::new(name), text, &self.registry)?;
        Ok(Koukan {
            registry: self.registry,
            config,
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

    /// Starts the agent; it listens and works on its queue when this returns.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub async fn start(self) -> Result<Running, StartError> {
        let parts = compose(&self.config, &self.registry).await?;
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
        crate::signals::stop_requested().await;
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
        let ended = async {
            let _ = (&mut self.serving).await;
            let _ = (&mut self.dispatching).await;
        };
        if timeout(DRAIN, ended).await.is_err() {
            self.serving.abort();
            self.dispatching.abort();
            tracing::warn!(
                "attempts under way were abandoned; they are made again at the next start"
            );
        }
        self.garbage.abort();
        for endpoint in &self.endpoints {
            endpoint.close().await;
        }
        self.storage.flush().await;
        match self.database {
            Some(database) => database.close().await,
            None => tell_what_is_lost(&self.storage).await,
        }
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
