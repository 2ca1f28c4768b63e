//! What an embedder gives to an agent, beside its configuration.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use koukan_core::{
    clock::{SharedClock, SystemClock},
    event::{Observer, Observers},
    network::{
        BoundSocket, ListenAddress, Listener, SharedConnector, SharedResolver, TcpConnector,
    },
    observer::Log,
    random::{SharedRandom, SystemRandom},
    storage::Backend,
};
use koukan_smtp::server::Authenticator;

use crate::{
    config::Config,
    registry::{FollowedLists, Registry},
};

use super::StartError;

/// What an embedder gives to an agent, beside its configuration.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) registry: Registry,
    pub(crate) backend: Option<Arc<dyn Backend>>,
    pub(crate) observers: Vec<Arc<dyn Observer>>,
    pub(crate) connector: SharedConnector,
    /// Without one, names are looked up as the configuration says.
    pub(crate) resolver: Option<SharedResolver>,
    /// The authenticator, if it replaces the one in the configuration.
    pub(crate) authenticator: Option<Arc<dyn Authenticator>>,
    pub(crate) clock: SharedClock,
    pub(crate) random: SharedRandom,
    /// Lists from servers that were read for explanations.
    pub(crate) explained: FollowedLists,
}

/// Sockets that an embedder has bound, for the first listeners of the configuration.
#[derive(Debug, Default)]
pub(crate) struct Sockets {
    pub(crate) smtp: VecDeque<Listener>,
    pub(crate) rest: VecDeque<Listener>,
    /// Sockets for listeners whose address is a name.
    pub(crate) named: BTreeMap<String, BoundSocket>,
}

impl Sockets {
    /// Checks that there is a listener for each socket: otherwise its clients would wait for ever.
    pub(super) fn check(&self, config: &Config) -> Result<(), StartError> {
        if self.smtp.len() > config.smtp_listener.len() {
            return Err(StartError::Sockets("smtp_listener"));
        }
        if self.rest.len() > config.rest_listener.len() {
            return Err(StartError::Sockets("rest_listener"));
        }
        let smtp = config.smtp_listener.iter().map(|it| &it.address.value);
        let rest = config.rest_listener.iter().map(|it| &it.address.value);
        let wanted: Vec<_> = smtp
            .chain(rest)
            .filter_map(ListenAddress::handed_over)
            .collect();
        let mut names = self.named.keys();
        if let Some(name) = names.find(|name| !wanted.contains(&name.as_str())) {
            return Err(StartError::Unwanted(name.clone()));
        }
        Ok(())
    }
}

impl Given {
    /// The log, and the embedder's observers.
    pub(super) fn observers(&self) -> Observers {
        let own = self.observers.iter().cloned();
        own.fold(Observers::new(Log), Observers::with)
    }
}

/// The defaults, if an embedder gives nothing.
impl Default for Given {
    fn default() -> Self {
        Self {
            registry: Registry::default(),
            backend: None,
            observers: Vec::new(),
            connector: Arc::new(TcpConnector),
            resolver: None,
            authenticator: None,
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            explained: FollowedLists::default(),
        }
    }
}
