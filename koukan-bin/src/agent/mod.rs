//! An agent: built, started and stopped.

mod running;

pub use self::running::Running;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use koukan_core::{
    event::Observer,
    lists::List,
    network::{Connector, Resolver},
    resource::{Explain, Explanation},
    service::{BoxMailService, MailService},
    storage::Backend,
};
use serde::de::DeserializeOwned;
use tower::{BoxError, Layer};

use crate::{
    compose::{Explaining, Given, StartError, compose},
    config::{Config, ConfigError, ConfigWarnings},
    descriptors::{self, Plan},
    registry::Surroundings,
    unix_signals::StopSignals,
};

/// An agent to be built: the filters it knows, where it keeps mail, and how it reaches others.
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
    given: Given,
}

/// An agent with its configuration, ready to start.
#[derive(Debug)]
pub struct Koukan {
    given: Given,
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
        self.given.registry.filter(name, build);
        self
    }

    /// As [`Builder::filter`], for a filter that needs its surroundings, or may refuse its
    /// configuration: what `koukan check` tells with its line in the file.
    ///
    /// `build` is also called to see whether it can: when the configuration is checked, without a
    /// runtime and in surroundings in which nothing runs. Any error will do; an
    /// [`InvalidFilter`](crate::registry::InvalidFilter) may say where the configuration is wrong.
    ///
    /// # Example
    ///
    /// A filter that refuses senders whose domain publishes no text:
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use koukan::Koukan;
    /// use koukan_core::{
    ///     middleware::{Next, State, from_fn_with_state},
    ///     network::{LookupError, SharedResolver},
    ///     reply::Reply,
    ///     transaction::Transaction,
    /// };
    /// use serde::Deserialize;
    /// use tokio::time::timeout;
    /// use tower::BoxError;
    ///
    /// #[derive(Deserialize)]
    /// #[serde(deny_unknown_fields)]
    /// struct WithText {
    ///     prefix: String,
    /// }
    ///
    /// #[derive(Clone)]
    /// struct Texts {
    ///     prefix: String,
    ///     resolver: SharedResolver,
    /// }
    ///
    /// async fn check(
    ///     State(texts): State<Texts>,
    ///     tx: Transaction,
    ///     next: Next,
    /// ) -> Result<Reply, BoxError> {
    ///     let Some(mailbox) = tx.mail.request().reverse_path.mailbox() else {
    ///         return next.run(tx).await;
    ///     };
    ///     let name = format!("{}.{}", texts.prefix, mailbox.domain_text());
    ///     let found = texts.resolver.txt(&name);
    ///     match timeout(Duration::from_secs(5), found).await? {
    ///         Ok(found) if !found.records.is_empty() => next.run(tx).await,
    ///         Ok(_) | Err(LookupError::NoSuchName) => Ok(Reply::policy_refused()),
    ///         Err(error) => Err(error.into()),
    ///     }
    /// }
    ///
    /// let agent = Koukan::builder().try_filter("with_text", |config: WithText, surroundings| {
    ///     if config.prefix.is_empty() {
    ///         return Err("`prefix` is empty");
    ///     }
    ///     let resolver = surroundings.resolver.clone();
    ///     let texts = Texts { prefix: config.prefix, resolver };
    ///     Ok(from_fn_with_state(texts, check))
    /// });
    /// ```
    pub fn try_filter<C, L, E>(
        mut self,
        name: &str,
        build: impl Fn(C, &Surroundings) -> Result<L, E> + Send + Sync + 'static,
    ) -> Self
    where
        C: DeserializeOwned,
        L: Layer<BoxMailService, Service: MailService> + Send + Sync + 'static,
        E: Into<BoxError>,
    {
        self.given.registry.try_filter(name, build);
        self
    }

    /// Says that a filter asks others than the DNS of each message, and of its configuration whom, as
    /// in `clamd at 127.0.0.1:3310`: it is left out where it is [explained](Koukan::explain) what would become
    /// of a message, and that is told.
    pub fn asks(
        mut self,
        name: &str,
        whom: impl Fn(&serde_json::Value) -> String + Send + Sync + 'static,
    ) -> Self {
        self.given.registry.asks(name, whom);
        self
    }

    /// Looks up names in another way than by DNS servers, whoever asks: endpoints, and filters
    /// by their surroundings.
    ///
    /// What may be connected to is decided by the addresses that it answers.
    pub fn resolver(mut self, resolver: impl Resolver) -> Self {
        self.given.resolver = Some(Arc::new(resolver));
        self
    }

    /// Connects in another way than by TCP, whoever asks: endpoints, and filters by their
    /// surroundings.
    pub fn connector(mut self, connector: impl Connector) -> Self {
        self.given.connector = Arc::new(connector);
        self
    }

    /// Keeps transactions in a backend of one's own, whatever storage the configuration names: it
    /// has to name one where mail is promised, such as `storage: memory`.
    ///
    /// The backend is not closed when the agent stops.
    pub fn backend(mut self, backend: Arc<dyn Backend>) -> Self {
        self.given.backend = Some(backend);
        self
    }

    /// Tells an observer what happens in the agent; may be said several times. The log is another
    /// observer, which is always there.
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.given.observers.push(Arc::new(observer));
        self
    }

    /// Reads and checks a configuration file.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], with all that is wrong.
    pub fn config_file(self, path: impl AsRef<Path>) -> Result<Koukan, ConfigError> {
        let file = path.as_ref().to_owned();
        let checked = Config::load_with_warnings(&file, &self.given.registry)?;
        Ok(self.with_config(checked, file))
    }

    /// Checks a configuration that is a text; `name` is what it is called in errors.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], with all that is wrong.
    pub fn config_text(self, name: &str, text: &str) -> Result<Koukan, ConfigError> {
        let file = PathBuf::from(name);
        let checked = Config::parse_with_warnings(&file, text, &self.given.registry)?;
        Ok(self.with_config(checked, file))
    }

    fn with_config(self, (config, warnings): (Config, ConfigWarnings), file: PathBuf) -> Koukan {
        Koukan {
            given: self.given,
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
    /// The limit of file descriptors of this process is raised as far as that is allowed.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub async fn start(self) -> Result<Running, StartError> {
        for warning in self.warnings.problems() {
            let (line, message) = (warning.line, &warning.message);
            tracing::warn!(file = %self.file.display(), line, "{message}");
        }
        let descriptors = self.descriptors();
        let composed = compose(&self.config, self.given, descriptors).await;
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

    /// Tells what would become of a message, without sending or keeping anything: which chains it passes, what
    /// their filters and rules make of it, and where it goes. The DNS is asked, and nothing else is connected
    /// to; what filters would find out of others is not known.
    ///
    /// # Errors
    ///
    /// [`StartError`] where the sender has no chain, or a chain cannot be made.
    ///
    /// # Cancel safety
    ///
    /// It may be dropped at any time.
    pub async fn explain(&self, message: Explain) -> Result<Explanation, StartError> {
        let resolver = self.given.resolver.clone();
        let explaining = Explaining::new(&self.given.registry, &self.config, resolver);
        explaining.explain(message).await
    }

    /// Who may have how many file descriptors.
    fn descriptors(&self) -> Plan {
        let limit = descriptors::raise();
        let (plan, shortage) = Plan::new(&self.config, limit);
        // What there is once the limit is raised was warned of with the configuration.
        if let Some(shortage) = shortage
            && limit != descriptors::attainable()
        {
            tracing::warn!("{}: {}", shortage.message, shortage.help);
        }
        plan
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
