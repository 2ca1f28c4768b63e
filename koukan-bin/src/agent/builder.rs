//! What an embedder gives an agent before the configuration is read.

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
#[cfg(feature = "cli")]
use tokio::runtime::Handle;
use tower::{BoxError, Layer};

#[cfg(feature = "cli")]
use crate::command::complain;
use crate::{
    compose::{Given, Sockets},
    config::{Config, ConfigError, ConfigWarnings},
    registry::{Registry, Surroundings},
};

use super::Koukan;

/// [`Builder::main`] was called within a runtime.
#[cfg(feature = "cli")]
#[derive(Debug, thiserror::Error)]
#[error(
    "`main` makes a runtime of its own: call it without `#[tokio::main]`, or use `config_file` and `run`"
)]
struct WithinRuntime;

/// Builds an agent: the filters and endpoints that it knows, where it keeps mail, and how it reaches other hosts.
///
/// Clones share the parts.
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
    /// Adds a filter that the configuration can name. `build` makes a layer from the filter's configuration.
    ///
    /// `build` is called for each place where the configuration names the filter: when the configuration is checked, and
    /// again when the agent starts. State that all these layers share is a clone that `build` captures.
    ///
    /// A configuration type with `#[serde(deny_unknown_fields)]` has misspelt settings reported; without that, they are
    /// ignored.
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

    /// Like [`Builder::filter`], for a filter that needs its surroundings, or that may refuse its configuration.
    /// `koukan check` reports such a refusal with the line in the file.
    ///
    /// `build` is also called to check the configuration, with surroundings in which nothing runs; its result is then
    /// dropped. It may spawn tasks: it is always called within a tokio runtime, but tasks of a mere check may never run.
    /// The error may be of any type; an [`InvalidFilter`](crate::registry::InvalidFilter) can say where the configuration
    /// is wrong. A panic is reported like an error. `build` cannot wait: a filter that has to connect first does so with
    /// its first message, as [the guide](https://github.com/koukan/koukan/blob/main/guides/building-a-filter.md) shows.
    ///
    /// # Example
    ///
    /// A filter that refuses a sender whose domain publishes no TXT record under a prefix:
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

    /// Declares that a filter asks another server (not the DNS) about each message. `whom` names the server for a
    /// configuration, for example `clamd at 127.0.0.1:3310`. When a message is [explained](Koukan::explain), the
    /// filter is left out, and the explanation says so.
    pub fn asks(
        mut self,
        name: &str,
        whom: impl Fn(&serde_json::Value) -> String + Send + Sync + 'static,
    ) -> Self {
        self.given.registry.asks(name, whom);
        self
    }

    /// Adds an endpoint that the configuration can name, as in `endpoint: { mailbox: { directory: /var/mail } }`.
    /// `build` makes from the endpoint's configuration the service in which a chain ends. It is called as that of a
    /// [filter](Builder::filter): also to check the configuration. An endpoint without settings is written as
    /// `endpoint: { mailbox: {} }`.
    ///
    /// A transaction that reaches the endpoint has passed the chain's filters. Below an `exploder` it has one
    /// recipient, and is attempted again if the endpoint answers 4xx or fails.
    ///
    /// # Panics
    ///
    /// If the name is that of a built-in endpoint: `exploder`, `smtp`, `rest`, `webhook`.
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

    /// Like [`Builder::endpoint`], for an endpoint that needs its surroundings, or that may refuse its configuration:
    /// see [`Builder::try_filter`].
    ///
    /// # Panics
    ///
    /// The same as for [`Builder::endpoint`].
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

    /// Adds a matcher that the rules of `policy_action` can use: see [`Registry::matcher`].
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

    /// Authenticates clients with this authenticator on every SMTP listener with `auth`, instead of the
    /// `password_file` or `http` server in the configuration, which need not have either: `auth: {}` is enough.
    pub fn authenticator(mut self, authenticator: impl Authenticator) -> Self {
        self.given.registry.expect_authenticator();
        self.given.authenticator = Some(Arc::new(authenticator));
        self
    }

    /// Reads the time of day from this clock, or the one in this `Arc`, instead of the operating system's. It decides when
    /// transactions arrive and expire, and when they are attempted again. Timeouts use tokio's clock.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.given.clock = Arc::new(clock);
        self
    }

    /// Takes random numbers from another source than the operating system. They are used for jitter, and to choose
    /// one of several hosts; not for ids and tokens.
    pub fn random(mut self, random: impl Random) -> Self {
        self.given.random = Arc::new(random);
        self
    }

    /// Looks up names with this resolver, or the one in this `Arc`, instead of DNS servers. Endpoints use it, and filters
    /// through their surroundings.
    ///
    /// The addresses that it returns are checked like those from the DNS before a connection is made.
    pub fn resolver(mut self, resolver: impl Resolver) -> Self {
        self.given.resolver = Some(Arc::new(resolver));
        self
    }

    /// Connects with this connector, or the one in this `Arc`, instead of TCP. Endpoints use it, and filters through their
    /// surroundings.
    pub fn connector(mut self, connector: impl Connector) -> Self {
        self.given.connector = Arc::new(connector);
        self
    }

    /// Keeps transactions in this backend, whatever storage the configuration names. The configuration still has to
    /// name one if mail is queued, for example `storage: memory`.
    ///
    /// The agent does not close the backend when it stops.
    pub fn backend(mut self, backend: Arc<dyn Backend>) -> Self {
        self.given.backend = Some(backend);
        self
    }

    /// Tells this observer, or the one in this `Arc`, what happens in the agent. May be called several times. The log is
    /// another observer, which is always present.
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.given.observers.push(Arc::new(observer));
        self
    }

    /// Runs the whole command line of the program `koukan` (`run`, `check`, `schema`, `queue` and the others) with an
    /// agent of these parts. The configuration decides how it logs. Call it in a `main` without `#[tokio::main]`: it makes a
    /// runtime of its own, and within another one it fails.
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
        if Handle::try_current().is_ok() {
            return complain(&WithinRuntime);
        }
        <crate::cli::Cli as clap::Parser>::parse().run(self)
    }

    /// The filters and endpoints that the agent knows.
    pub fn registry(&self) -> &Registry {
        &self.given.registry
    }

    /// Reads and checks a configuration file.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], with everything that is wrong.
    pub fn config_file(self, path: impl AsRef<Path>) -> Result<Koukan, ConfigError> {
        let file = path.as_ref().to_owned();
        let checked = Config::load_with_warnings(&file, &self.given.registry)?;
        Ok(self.with_config(checked, file))
    }

    /// Checks a configuration given as text; errors call it `name`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], with everything that is wrong.
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
