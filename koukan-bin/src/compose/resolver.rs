//! Looks up names.

use std::sync::Arc;

use koukan_core::network::{SharedResolver, SystemResolver};
#[cfg(feature = "dns")]
use koukan_core::{
    causes::Causes,
    network::{DnsResolver, DnsSettings},
};

use crate::config::Resolver;

/// A resolver as the configuration says: it asks DNS servers; if the configuration names none,
/// those of the operating system.
#[cfg(feature = "dns")]
pub(super) fn of(config: &Resolver) -> SharedResolver {
    match DnsResolver::new(&config.into()) {
        Ok(resolver) => Arc::new(resolver),
        Err(error) => {
            let error = Causes(&error);
            tracing::warn!(%error, "names are looked up by the operating system, and MX records are not");
            Arc::new(SystemResolver)
        }
    }
}

/// The operating system's resolver.
#[cfg(not(feature = "dns"))]
pub(super) fn of(_: &Resolver) -> SharedResolver {
    Arc::new(SystemResolver)
}

#[cfg(feature = "dns")]
impl From<&Resolver> for DnsSettings {
    fn from(config: &Resolver) -> Self {
        let mut settings = Self::default();
        settings.servers = config.server.iter().map(|server| server.value).collect();
        if let Some(timeout) = config.timeout {
            settings.timeout = timeout.0;
        }
        settings.validate = config.dnssec;
        let anchor = config.trust_anchor.as_ref();
        settings.trust_anchor = anchor.map(|file| file.value.clone());
        if let Some(cache) = config.cache {
            settings.cache = cache.get();
        }
        settings
    }
}
