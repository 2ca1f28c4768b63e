//! Filters by name: how config becomes layers.

mod builtin;
mod router;
mod text;

pub(crate) use self::{
    builtin::is_builtin,
    router::Routes,
    text::{check_domain, check_host},
};

use std::{collections::BTreeMap, fmt, sync::Arc};

use koukan_core::{
    clock::SharedClock,
    event::Observers,
    service::{BoxMailLayer, BoxMailService, MailService},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;
use tower::Layer;

use crate::config::Step;

/// What a filter may need that is not its own configuration.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The domain name of this agent.
    pub hostname: Box<str>,
    /// The wall clock.
    pub clock: SharedClock,
    /// Those who are told what happens.
    pub observers: Observers,
}

/// A filter cannot be made of its configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InvalidFilter {
    /// What is wrong.
    pub message: String,
    /// Where in the filter's configuration, as far as that is known.
    pub at: Vec<Step>,
}

impl InvalidFilter {
    /// Something is wrong with the configuration as a whole.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            at: Vec::new(),
        }
    }
}

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
                observers: Observers::default(),
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

    /// As [`Registry::try_filter`], for a filter that can tell where in its configuration it is wrong.
    fn place_filter<C, L>(
        &mut self,
        name: &str,
        build: impl Fn(C, &Surroundings) -> Result<L, InvalidFilter> + Send + Sync + 'static,
    ) where
        C: DeserializeOwned,
        L: Layer<BoxMailService, Service: MailService> + Send + Sync + 'static,
    {
        let build = move |config: &Value, surroundings: &Surroundings| {
            let config = serde_path_to_error::deserialize(config).map_err(of_reading)?;
            build(config, surroundings).map(BoxMailLayer::new)
        };
        self.filters.insert(name.to_owned(), Arc::new(build));
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
        self.place_filter(name, move |config: C, surroundings: &Surroundings| {
            let built = build(config, surroundings);
            built.map_err(|error| InvalidFilter::new(error.to_string()))
        });
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
        let unknown = || InvalidFilter::new(format!("unknown filter `{name}`"));
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

/// What the reader of a filter's configuration found, and where.
fn of_reading(error: serde_path_to_error::Error<serde_json::Error>) -> InvalidFilter {
    let steps = error.path().iter().filter_map(|segment| match segment {
        Segment::Seq { index } => Some(Step::Item(*index)),
        Segment::Map { key } => Some(Step::Key(key.clone())),
        // The variant of a rule is the key that names it.
        Segment::Enum { variant } => Some(Step::Key(variant.clone())),
        Segment::Unknown => None,
    });
    InvalidFilter {
        at: steps.collect(),
        message: error.inner().to_string(),
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
