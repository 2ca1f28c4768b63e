//! Filters by name: how config becomes layers.

mod builtin;

use std::{collections::BTreeMap, fmt, sync::Arc};

use koukan_core::{
    clock::SharedClock,
    service::{BoxMailLayer, BoxMailService, MailService},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower::Layer;

/// What a filter may need that is not its own configuration.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The domain name of this agent.
    pub hostname: Box<str>,
    /// The wall clock.
    pub clock: SharedClock,
}

/// A filter cannot be made of its configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidFilter(String);

/// Knows for each filter's name how to make a layer of its configuration.
#[derive(Clone)]
pub struct Registry {
    filters: BTreeMap<String, Arc<Build>>,
    /// What filters are made with only to see whether they can be.
    trial: Surroundings,
}

type Build = dyn Fn(&Value, &Surroundings) -> Result<BoxMailLayer, InvalidFilter> + Send + Sync;

impl Registry {
    /// Knows nothing.
    pub fn empty() -> Self {
        Self {
            filters: BTreeMap::new(),
            trial: Surroundings {
                hostname: "localhost".into(),
                clock: Arc::new(koukan_core::clock::SystemClock),
            },
        }
    }

    /// Adds a filter: `build` makes a layer of its configuration. An earlier filter of that name
    /// is replaced.
    pub fn filter<C, L>(&mut self, name: &str, build: impl Fn(C) -> L + Send + Sync + 'static)
    where
        C: DeserializeOwned,
        L: Layer<BoxMailService, Service: MailService> + Send + Sync + 'static,
    {
        self.try_filter(name, move |config: C, _: &Surroundings| {
            Ok::<_, InvalidFilter>(build(config))
        });
    }

    /// As [`Registry::filter`], for a filter that needs its surroundings or may refuse its
    /// configuration.
    pub fn try_filter<C, L, E>(
        &mut self,
        name: &str,
        build: impl Fn(C, &Surroundings) -> Result<L, E> + Send + Sync + 'static,
    ) where
        C: DeserializeOwned,
        L: Layer<BoxMailService, Service: MailService> + Send + Sync + 'static,
        E: fmt::Display,
    {
        let build = move |config: &Value, surroundings: &Surroundings| {
            let config =
                C::deserialize(config).map_err(|error| InvalidFilter(error.to_string()))?;
            match build(config, surroundings) {
                Ok(layer) => Ok(BoxMailLayer::new(layer)),
                Err(error) => Err(InvalidFilter(error.to_string())),
            }
        };
        self.filters.insert(name.to_owned(), Arc::new(build));
    }

    /// Whether there is a filter of that name.
    pub fn has(&self, name: &str) -> bool {
        self.filters.contains_key(name)
    }

    /// The filters' names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.filters.keys().map(String::as_str)
    }

    /// Makes the layer of a filter.
    ///
    /// # Errors
    ///
    /// [`InvalidFilter`] where there is none of that name or its configuration is wrong.
    pub fn build(
        &self,
        name: &str,
        config: &Value,
        surroundings: &Surroundings,
    ) -> Result<BoxMailLayer, InvalidFilter> {
        let unknown = || InvalidFilter(format!("unknown filter `{name}`"));
        let build = self.filters.get(name).ok_or_else(unknown)?;
        build(config, surroundings)
    }

    /// Tells whether a filter can be made of its configuration.
    ///
    /// # Errors
    ///
    /// As [`Registry::build`].
    pub fn check(&self, name: &str, config: &Value) -> Result<(), InvalidFilter> {
        self.build(name, config, &self.trial).map(drop)
    }
}

impl Default for Registry {
    /// Knows the filters of `koukan-core`.
    fn default() -> Self {
        let mut registry = Self::empty();
        builtin::register(&mut registry);
        registry
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}
