//! What an agent gives to its filters and endpoints.

use std::{
    fmt,
    path::Path,
    sync::{Arc, OnceLock},
};

use koukan_core::{
    blob::BlobPool,
    blocking::BlockingPool,
    causes::Causes,
    clock::{SharedClock, SystemClock},
    event::Observers,
    files,
    filter::policy_action::RuleWatch,
    network::{SharedConnector, SharedResolver, SystemResolver, TcpConnector},
    random::{SharedRandom, SystemRandom},
};
use koukan_rest::client::{ClientSettings, HttpClient};

use super::{CopyRoutes, FollowedFiles, FollowedLists, InvalidFilter, LegChains};

/// What a filter or endpoint is given beside its own configuration.
///
/// An agent makes one when it starts, and gives it to all of its parts. Clones share its content.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Surroundings {
    /// The domain name of this agent.
    pub hostname: Box<str>,
    /// The wall clock.
    pub clock: SharedClock,
    /// Random numbers, for jitter.
    pub random: SharedRandom,
    /// Makes blobs, and knows how much memory they use together.
    pub blobs: BlobPool,
    /// Looks up names. The caller limits the time.
    pub resolver: SharedResolver,
    /// Connects to any address: the caller has to check the address, and to limit the time.
    pub connector: SharedConnector,
    /// Threads for work that blocks or computes for a long time.
    pub blocking: BlockingPool,
    /// Observers of what happens.
    pub observers: Observers,
    /// Files of filters, which are read again when they change.
    pub(crate) followed: FollowedFiles,
    /// Lists of filters, from HTTP servers.
    pub(crate) lists: FollowedLists,
    /// Where copies of messages go.
    pub(crate) copies: CopyRoutes,
    /// The chains to which the exploder leads, for a chain that ends with one.
    pub(crate) legs: Option<Arc<LegChains>>,
    /// Whether the chain ends with something other than an exploder.
    pub(crate) has_no_exploder: bool,
    /// Is told of each evaluation of a rule.
    pub(crate) rule_watch: Option<Arc<dyn RuleWatch>>,
    /// How to fetch lists, if the filters themselves may not connect.
    list_settings: Option<ClientSettings>,
    /// Made on demand, since the trusted certificates are read from files.
    http: Arc<OnceLock<HttpClient>>,
}

/// A key, a token or another secret. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<[u8]>);

impl Surroundings {
    /// The surroundings of an agent with that name, with the operating system's clock and network and without
    /// observers; blobs are kept in memory.
    pub fn new(hostname: &str) -> Self {
        Self {
            hostname: hostname.into(),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            blobs: BlobPool::default(),
            resolver: Arc::new(SystemResolver),
            connector: Arc::new(TcpConnector),
            blocking: BlockingPool::default(),
            observers: Observers::default(),
            followed: FollowedFiles::default(),
            lists: FollowedLists::default(),
            copies: CopyRoutes::default(),
            legs: None,
            has_no_exploder: false,
            rule_watch: None,
            list_settings: None,
            http: Arc::default(),
        }
    }

    /// Connects and resolves names with these instead of the operating system.
    #[must_use]
    pub fn with_network(mut self, connector: SharedConnector, resolver: SharedResolver) -> Self {
        self.connector = connector;
        self.resolver = resolver;
        // An existing client would still use the other network.
        self.http = Arc::default();
        self
    }

    /// Tells this watch of each evaluation of a rule.
    #[must_use]
    pub(crate) fn with_rule_watch(mut self, watch: Arc<dyn RuleWatch>) -> Self {
        self.rule_watch = Some(watch);
        self
    }

    /// Fetches lists over that network, whatever network the filters have. Lists that are already known there are shared.
    #[must_use]
    pub(crate) fn with_lists_by(
        mut self,
        connector: SharedConnector,
        lists: FollowedLists,
    ) -> Self {
        self.lists = lists;
        let resolver = Arc::clone(&self.resolver);
        self.list_settings = Some(ClientSettings::default().with_network(connector, resolver));
        self
    }

    /// A client for the HTTP servers with lists.
    pub(super) fn list_http(&self) -> Result<HttpClient, InvalidFilter> {
        let Some(settings) = &self.list_settings else {
            return self.http();
        };
        let client = HttpClient::new(settings);
        client.map_err(|error| InvalidFilter::new(Causes(&error).to_string()))
    }

    /// A client for HTTP servers, which resolves names and connects as this agent does, and trusts the system's
    /// certificates. All callers share its connections.
    ///
    /// # Errors
    ///
    /// [`InvalidFilter`] if the system's certificates cannot be read.
    pub fn http(&self) -> Result<HttpClient, InvalidFilter> {
        if let Some(client) = self.http.get() {
            return Ok(client.clone());
        }
        let client = HttpClient::new(&self.http_settings())
            .map_err(|error| InvalidFilter::new(Causes(&error).to_string()))?;
        Ok(self.http.get_or_init(|| client).clone())
    }

    /// Whether these are the surroundings of a running agent, not of a check or an explanation.
    pub(super) fn is_of_agent(&self) -> bool {
        !matches!(self.copies, CopyRoutes::Trial | CopyRoutes::Explained(_))
    }

    /// Whether these are the surroundings of an explanation.
    pub(super) fn is_explaining(&self) -> bool {
        self.list_settings.is_some()
    }

    /// Settings for HTTP clients that connect as this agent does.
    pub fn http_settings(&self) -> ClientSettings {
        let (connector, resolver) = (Arc::clone(&self.connector), Arc::clone(&self.resolver));
        ClientSettings::default().with_network(connector, resolver)
    }

    /// Reads a key or token from a file of its own, which the configuration names.
    ///
    /// # Errors
    ///
    /// [`InvalidFilter`] if the file cannot be read; it names the file.
    pub fn secret(&self, file: &Path) -> Result<Secret, InvalidFilter> {
        let octets = files::read(file).map_err(|error| {
            let text = format!("cannot read {}: {error}", file.display());
            InvalidFilter::new(text)
        })?;
        Ok(Secret(octets.into()))
    }
}

impl Secret {
    /// The octets of the file, unchanged.
    pub fn as_octets(&self) -> &[u8] {
        &self.0
    }

    /// The secret as a token: the text without white space at its ends.
    ///
    /// # Errors
    ///
    /// [`InvalidFilter`] if it is not UTF-8.
    pub fn token(&self) -> Result<&str, InvalidFilter> {
        let text = str::from_utf8(&self.0);
        let text = text.map_err(|_| InvalidFilter::new("a token is not UTF-8"))?;
        Ok(text.trim())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}
