//! What an embedder gives to an agent, beside its configuration.

use std::sync::Arc;

use koukan_core::{
    event::{Observer, Observers},
    network::{SharedConnector, SharedResolver, TcpConnector},
    observer::Log,
    storage::Backend,
};

use crate::registry::Registry;

/// What an embedder gives to an agent, beside its configuration.
#[derive(Debug)]
pub(crate) struct Given {
    pub(crate) registry: Registry,
    pub(crate) backend: Option<Arc<dyn Backend>>,
    pub(crate) observers: Vec<Arc<dyn Observer>>,
    pub(crate) connector: SharedConnector,
    /// Where there is none, names are looked up as the configuration says.
    pub(crate) resolver: Option<SharedResolver>,
}

impl Given {
    /// The log, and whoever else is told of events.
    pub(super) fn observers(&self) -> Observers {
        let own = self.observers.iter().cloned();
        own.fold(Observers::new(Log), Observers::with)
    }
}

/// What an agent has where nobody gives it anything.
impl Default for Given {
    fn default() -> Self {
        Self {
            registry: Registry::default(),
            backend: None,
            observers: Vec::new(),
            connector: Arc::new(TcpConnector),
            resolver: None,
        }
    }
}
