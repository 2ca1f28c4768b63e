//! An agent: built, started and stopped.

mod running;

pub use self::running::Running;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use koukan_core::{
    event::{Observer, Observers},
    lists::List,
    observer::Log,
    service::{BoxMailService, MailService},
    storage::Backend,
};
use serde::de::DeserializeOwned;
use tower::Layer;

use crate::{
    compose::{StartError, compose},
    config::{Config, ConfigError, ConfigWarnings},
    registry::Registry,
    unix_signals::StopSignals,
};

/// An agent to be built: the filters it knows, and where it keeps mail.
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
    backend: Option<Arc<dyn Backend>>,
    observers: Vec<Arc<dyn Observer>>,
}

/// An agent with its configuration, ready to start.
#[derive(Debug)]
pub struct Koukan {
    registry: Registry,
    backend: Option<Arc<dyn Backend>>,
    observers: Vec<Arc<dyn Observer>>,
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

    /// Keeps transactions in a backend of one's own, whatever storage the configuration names: it
    /// has to name one where mail is promised, such as `storage: memory`.
    ///
    /// The backend is not closed when the agent stops.
    pub fn backend(mut self, backend: Arc<dyn Backend>) -> Self {
        self.backend = Some(backend);
        self
    }

    /// Tells an observer what happens in the agent; may be said several times. The log is another
    /// observer, which is always there.
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observers.push(Arc::new(observer));
        self
    }

    /// Reads and checks a configuration file.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], with all that is wrong.
    pub fn config_file(self, path: impl AsRef<Path>) -> Result<Koukan, ConfigError> {
        let file = path.as_ref().to_owned();
        let checked = Config::load_with_warnings(&file, &self.registry)?;
        Ok(self.with_config(checked, file))
    }

    /// Checks a configuration that is a text; `name` is what it is called in errors.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], with all that is wrong.
    pub fn config_text(self, name: &str, text: &str) -> Result<Koukan, ConfigError> {
        let file = PathBuf::from(name);
        let checked = Config::parse_with_warnings(&file, text, &self.registry)?;
        Ok(self.with_config(checked, file))
    }

    fn with_config(self, (config, warnings): (Config, ConfigWarnings), file: PathBuf) -> Koukan {
        Koukan {
            registry: self.registry,
            backend: self.backend,
            observers: self.observers,
            config,
            warnings,
            file,
        }
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
        let own = self.observers.into_iter();
        let observers = own.fold(Observers::new(Log), Observers::with);
        let composed = compose(&self.config, &self.registry, self.backend, observers).await;
        let parts = composed.map_err(|error| error.located(&self.file, &self.config))?;
        let (smtp, rest) = (
            parts.listeners.smtp_addresses(),
            parts.listeners.rest_addresses(),
        );
        tracing::info!(
            smtp = List::of(&smtp).as_field(),
            rest = List::of(&rest).as_field(),
            "listening"
        );
        Ok(Running::start(parts, &self.config))
    }

    /// Runs the agent until the process is told to stop by SIGTERM or SIGINT, and stops it in good
    /// order; a second signal, a second or more after the first, ends the process at once.
    ///
    /// # Errors
    ///
    /// [`StartError`]; [`StartError::Lost`] where the agent stopped, in good order, because a part
    /// of it was lost again and again.
    pub async fn run(self) -> Result<(), StartError> {
        // Before anything listens: who finds an agent that answers may stop it.
        let mut signals = StopSignals::catch();
        let running = tokio::select! {
            // Nothing has been promised yet.
            () = signals.requested() => return Ok(()),
            running = self.start() => running?,
        };
        let lost = tokio::select! {
            () = signals.requested() => None,
            lost = running.lost() => Some(lost),
        };
        tracing::info!("stopping");
        running.stop().await;
        lost.map_or(Ok(()), |lost| Err(lost.into()))
    }
}
