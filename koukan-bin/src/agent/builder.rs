//! What an embedder gives an agent before its configuration is read.

#[cfg(feature = "cli")]
use std::process::ExitCode;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use koukan_core::{
    clock::Clock,
    event::Observer,
    filter::{policy_action::Matcher, router::Policy},
    network::{Connector, Resolver},
    random::Random,
    service::{BoxMailService, MailService},
    storage::Backend,
};
use koukan_smtp::server::Authenticator;
use serde::de::DeserializeOwned;
use tower::{BoxError, Layer};

use crate::{
    compose::{Given, Sockets},
    config::{Config, ConfigError, ConfigWarnings},
    registry::{Registry, Surroundings},
};

use super::Koukan;

/// An agent to be built: the filters and endpoints it knows, where it keeps mail, and how it reaches
/// others.
///
/// Clones have the same parts.
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
#[derive(Debug, Clone, Default)]
#[must_use = "a builder does nothing by itself"]
pub struct Builder {
    pub(crate) given: Given,
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

    /// Adds an endpoint that config can name: `build` makes of its configuration the service in which a
    /// chain ends, as in `endpoint: { mailbox: { directory: /var/mail } }`. What has no settings is
    /// written as `endpoint: { mailbox: {} }`.
    ///
    /// A transaction that gets there has passed the chain's filters. Below an `exploder` it has one
    /// recipient, and is attempted again where the endpoint answers 4xx or fails.
    ///
    /// # Panics
    ///
    /// Where the name is that of an endpoint of the agent's own: `exploder`, `smtp`, `rest`, `webhook`.
    ///
    /// # Example
    ///
    /// ```
    /// use koukan::Koukan;
    /// use koukan_core::{reply::Reply, transaction::Transaction};
    /// use serde::Deserialize;
    /// use tower::{BoxError, service_fn};
    ///
    /// #[derive(Deserialize)]
    /// #[serde(deny_unknown_fields)]
    /// struct Nowhere {}
    ///
    /// async fn refuse(_tx: Transaction) -> Result<Reply, BoxError> {
    ///     Ok(Reply::no_such_user())
    /// }
    ///
    /// let agent = Koukan::builder().endpoint("nowhere", |_: Nowhere| service_fn(refuse));
    /// ```
    pub fn endpoint<C, S>(
        mut self,
        name: &str,
        build: impl Fn(C) -> S + Send + Sync + 'static,
    ) -> Self
    where
        C: DeserializeOwned,
        S: MailService,
    {
        self.given.registry.endpoint(name, build);
        self
    }

    /// As [`Builder::endpoint`], for an endpoint that needs its surroundings, or may refuse its
    /// configuration: see [`Builder::try_filter`].
    ///
    /// # Panics
    ///
    /// As [`Builder::endpoint`].
    pub fn try_endpoint<C, S, E>(
        mut self,
        name: &str,
        build: impl Fn(C, &Surroundings) -> Result<S, E> + Send + Sync + 'static,
    ) -> Self
    where
        C: DeserializeOwned,
        S: MailService,
        E: Into<BoxError>,
    {
        self.given.registry.try_endpoint(name, build);
        self
    }

    /// Adds a matcher that the rules of `policy_action` can ask: see [`Registry::matcher`].
    pub fn matcher<C, M, E>(
        mut self,
        name: &str,
        build: impl Fn(C) -> Result<M, E> + Send + Sync + 'static,
    ) -> Self
    where
        C: DeserializeOwned,
        M: Matcher,
        E: Into<BoxError>,
    {
        self.given.registry.matcher(name, build);
        self
    }

    /// Adds a rule for the filter `router`: see [`Registry::router_rule`].
    pub fn router_rule<C, P, E>(
        mut self,
        name: &str,
        build: impl Fn(C, &Surroundings) -> Result<P, E> + Send + Sync + 'static,
    ) -> Self
    where
        C: DeserializeOwned,
        P: Policy,
        E: Into<BoxError>,
    {
        self.given.registry.router_rule(name, build);
        self
    }

    /// Asks this authenticator who clients are, on every SMTP listener with `auth`, in place of the
    /// `password_file` or the `http` server that the configuration names. It need not name any:
    /// `auth: {}` will do.
    pub fn authenticator(mut self, authenticator: impl Authenticator) -> Self {
        self.given.registry.expect_authenticator();
        self.given.authenticator = Some(Arc::new(authenticator));
        self
    }

    /// Tells the time of day by another clock than the operating system's: when transactions come and
    /// expire, and when they are attempted again. How long something is waited for is told by tokio.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.given.clock = Arc::new(clock);
        self
    }

    /// Takes random numbers from elsewhere than the operating system: for jitter, and where one of
    /// several hosts is chosen. Ids and tokens are not made of them.
    pub fn random(mut self, random: impl Random) -> Self {
        self.given.random = Arc::new(random);
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

    /// The whole command line, with an agent of these parts: `run`, `check`, `schema`, `queue` and all
    /// others of the program `koukan`. Logs are as the configuration says. To be called in `main`,
    /// outside of any runtime.
    ///
    /// # Example
    ///
    /// ```no_run
    /// fn main() -> std::process::ExitCode {
    ///     koukan::Koukan::builder().main()
    /// }
    /// ```
    #[cfg(feature = "cli")]
    #[must_use = "a program ends with it"]
    pub fn main(self) -> ExitCode {
        <crate::cli::Cli as clap::Parser>::parse().run(self)
    }

    /// Knows the filters and the endpoints.
    pub fn registry(&self) -> &Registry {
        &self.given.registry
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
            sockets: Sockets::default(),
        }
    }
}
