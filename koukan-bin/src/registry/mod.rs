//! Filters and endpoints by name: makes layers and services from their configurations.
//!
//! [`Builder`](crate::Builder) has the same methods, with examples. A [`Registry`] alone checks a configuration, or makes
//! its schema, without an agent ([`Config`](crate::config::Config)).

mod add_route;
mod builtin;
mod caught;
mod change_header;
mod content;
mod endpoints;
mod followed_files;
mod kept_file;
mod limits;
mod list_files;
mod list_urls;
#[cfg(feature = "mail-auth")]
mod mail_auth;
mod names_of_hosts;
mod next_hops;
mod own_schemas;
mod policy_action;
mod recipient_verification;
mod router;
#[cfg(feature = "scan")]
mod scan;
mod send_as;
mod surroundings;
mod text;

pub use self::{
    list_urls::ListError,
    surroundings::{Secret, Surroundings},
};

pub(crate) use self::{
    add_route::{AddRoute, CopyRoutes},
    builtin::{is_builtin, is_wanted_once, may_refuse},
    change_header::changed_fields,
    endpoints::ENDPOINTS,
    followed_files::FollowedFiles,
    list_urls::FollowedLists,
    policy_action::Outline,
    recipient_verification::{LegChains, NAME as RECIPIENT_VERIFICATION},
    router::Routes,
    text::{check_domain, check_host},
};

#[cfg(feature = "mail-auth")]
pub(crate) use self::mail_auth::signs;

use std::{collections::BTreeMap, fmt, sync::Arc};

use koukan_core::{
    causes::Causes,
    filter::{policy_action::Matcher, router::Policy},
    service::{BoxMailLayer, BoxMailService, MailService},
};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;
use tower::{BoxError, Layer};

use crate::config::Step;

use self::{
    caught::caught, endpoints::Endpoints, own_schemas::OwnSchemas, policy_action::Matchers,
    router::OwnRules,
};

/// A filter or endpoint cannot be made from its configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct InvalidFilter {
    /// What is wrong.
    pub message: String,
    /// Where in the filter's configuration, as far as known.
    pub at: Vec<Step>,
}

impl InvalidFilter {
    /// An error in the configuration as a whole.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            at: Vec::new(),
        }
    }

    /// The same error, with its place within the configuration.
    #[must_use]
    pub fn within(mut self, at: impl IntoIterator<Item = Step>) -> Self {
        self.at = at.into_iter().collect();
        self
    }
}

/// Knows for each filter's name how to make a layer from its configuration.
#[derive(Clone)]
pub struct Registry {
    filters: BTreeMap<String, Arc<Build>>,
    parts: FilterParts,
    /// The durable signals that filters write, as far as known.
    signals: BTreeMap<String, Vec<String>>,
    /// Filters that ask other servers, and how to find out which.
    asking: BTreeMap<String, Arc<Asking>>,
    endpoints: Endpoints,
    /// The schemas of the built-in filters' configurations.
    schemas: BTreeMap<&'static str, Describe>,
    /// Those of the embedder's parts.
    own_schemas: OwnSchemas,
    /// Whether an embedder's authenticator identifies users.
    has_authenticator: bool,
    /// The surroundings in which filters are built to check the configuration.
    trial: Surroundings,
}

type Describe = fn(&mut SchemaGenerator) -> Schema;
type Asking = dyn Fn(&Value) -> String + Send + Sync;
type Build = dyn Fn(&Value, &Surroundings, &FilterParts) -> Result<BoxMailLayer, InvalidFilter>
    + Send
    + Sync;

/// Parts of filters that are found by name too.
#[derive(Clone, Default)]
struct FilterParts {
    /// Matchers for the rules of `policy_action`.
    matchers: Matchers,
    /// The embedder's rules for routers.
    rules: OwnRules,
}

impl Registry {
    /// A registry without any filters.
    pub fn empty() -> Self {
        let mut trial = Surroundings::new("localhost");
        trial.copies = CopyRoutes::Trial;
        Self {
            filters: BTreeMap::new(),
            parts: FilterParts::default(),
            signals: BTreeMap::new(),
            asking: BTreeMap::new(),
            endpoints: Endpoints::default(),
            schemas: BTreeMap::new(),
            own_schemas: OwnSchemas::default(),
            has_authenticator: false,
            trial,
        }
    }

    /// Adds a filter: `build` makes a layer from its configuration. Replaces an earlier filter with that name.
    pub fn filter<C, L>(&mut self, name: &str, build: impl Fn(C) -> L + Send + Sync + 'static)
    where
        C: DeserializeOwned,
        L: Layer<BoxMailService, Service: MailService> + Send + Sync + 'static,
    {
        self.try_filter(name, move |config: C, _: &Surroundings| {
            Ok::<_, InvalidFilter>(build(config))
        });
    }

    /// Like [`Registry::filter`], for a filter that needs its surroundings, or that may refuse its configuration. The
    /// error may be of any type; an [`InvalidFilter`] can say where the configuration is wrong.
    ///
    /// A filter is also built to check the configuration, in surroundings in which nothing runs; tasks that it spawns
    /// then may never run.
    pub fn try_filter<C, L, E>(
        &mut self,
        name: &str,
        build: impl Fn(C, &Surroundings) -> Result<L, E> + Send + Sync + 'static,
    ) where
        C: DeserializeOwned,
        L: Layer<BoxMailService, Service: MailService> + Send + Sync + 'static,
        E: Into<BoxError>,
    {
        self.filter_with_parts(name, move |config, surroundings, _| {
            build(config, surroundings)
        });
    }

    /// Like [`Registry::try_filter`], for a built-in filter, whose keys are in the schema.
    fn own_filter<C, L, E>(
        &mut self,
        name: &'static str,
        build: impl Fn(C, &Surroundings) -> Result<L, E> + Send + Sync + 'static,
    ) where
        C: DeserializeOwned + JsonSchema,
        L: Layer<BoxMailService, Service: MailService> + Send + Sync + 'static,
        E: Into<BoxError>,
    {
        self.try_filter(name, build);
        self.schema_of::<C>(name);
    }

    /// Sets the schema for the configuration of a built-in filter.
    fn schema_of<C: JsonSchema>(&mut self, name: &'static str) {
        self.schemas.insert(name, C::json_schema);
    }

    /// The schemas of filters' configurations, by name.
    pub(crate) fn schemas(&self) -> impl Iterator<Item = (&'static str, Describe)> {
        self.schemas.iter().map(|(name, schema)| (*name, *schema))
    }

    /// Whether there is a schema for the filter with that name.
    pub(crate) fn describes(&self, filter: &str) -> bool {
        self.schemas.contains_key(filter)
    }

    /// The names of the rules that were added to the filter `router`.
    pub(crate) fn rule_names(&self) -> impl Iterator<Item = &str> {
        self.parts.rules.names()
    }

    /// Like [`Registry::try_filter`], for a filter that needs matchers and rules too.
    fn filter_with_parts<C, L, E>(
        &mut self,
        name: &str,
        build: impl Fn(C, &Surroundings, &FilterParts) -> Result<L, E> + Send + Sync + 'static,
    ) where
        C: DeserializeOwned,
        L: Layer<BoxMailService, Service: MailService> + Send + Sync + 'static,
        E: Into<BoxError>,
    {
        let build = move |config: &Value, surroundings: &Surroundings, parts: &FilterParts| {
            let config = serde_path_to_error::deserialize(config).map_err(of_reading)?;
            let layer = build(config, surroundings, parts);
            let layer = layer.map_err(|error| of_building(error.into()))?;
            Ok(BoxMailLayer::new(layer))
        };
        self.filters.insert(name.to_owned(), Arc::new(build));
        // The schema of the filter that was replaced.
        self.schemas.remove(name);
    }

    /// Adds a matcher for the rules of the filter `policy_action`. `build` makes it from its configuration, which are
    /// the keys beside `matcher`, or refuses that. Replaces an earlier matcher with that name.
    pub fn matcher<C, M, E>(
        &mut self,
        name: &str,
        build: impl Fn(C) -> Result<M, E> + Send + Sync + 'static,
    ) where
        C: DeserializeOwned,
        M: Matcher,
        E: Into<BoxError>,
    {
        self.parts.matchers.add(name, build);
    }

    /// Adds a rule for the filter `router`. `build` makes a policy from its configuration, which is the value of its
    /// name, or refuses that. Replaces an earlier rule with that name.
    ///
    /// It is also built to check the configuration, as filters are ([`Registry::try_filter`]). Two things are not
    /// checked there. If the rule hands recipients over to senders, each must have a chain. If it replaces recipients
    /// by others, the chain must end with an exploder, which makes their parts.
    ///
    /// # Panics
    ///
    /// If the name is that of a built-in rule, such as `address_list`.
    pub fn router_rule<C, P, E>(
        &mut self,
        name: &str,
        build: impl Fn(C, &Surroundings) -> Result<P, E> + Send + Sync + 'static,
    ) where
        C: DeserializeOwned,
        P: Policy,
        E: Into<BoxError>,
    {
        self.parts.rules.add(name, build);
    }

    /// Declares the durable signals that a filter writes, by name. If a rule uses a signal that no filter before it
    /// writes, that is an error in the configuration. A filter without a declaration may write any signal.
    pub fn signals<'a>(&mut self, filter: &str, names: impl IntoIterator<Item = &'a str>) {
        let names = names.into_iter().map(str::to_owned).collect();
        self.signals.insert(filter.to_owned(), names);
    }

    /// Declares that a filter asks another server (not the DNS) about each message, for example a scanner or a
    /// directory. `whom` names the server for a configuration, as in `clamd at 127.0.0.1:3310`. When a message is
    /// explained, the filter is left out, and the explanation says so.
    pub fn asks(&mut self, filter: &str, whom: impl Fn(&Value) -> String + Send + Sync + 'static) {
        self.asking.insert(filter.to_owned(), Arc::new(whom));
    }

    /// The server that a filter with that name and configuration asks, if declared.
    pub(crate) fn asked_by(&self, filter: &str, config: &Value) -> Option<String> {
        self.asking.get(filter).map(|whom| whom(config))
    }

    /// The durable signals that a filter writes, if known.
    pub(crate) fn signals_of(&self, filter: &str) -> Option<&[String]> {
        self.signals.get(filter).map(Vec::as_slice)
    }

    /// The outline of the rule with that configuration, if it is valid.
    pub(crate) fn outline(&self, config: &Value) -> Option<Outline> {
        Outline::read(config, &self.parts.matchers, &self.trial)
    }

    /// Whether there is a filter with that name.
    pub fn has(&self, name: &str) -> bool {
        self.filters.contains_key(name)
    }

    /// The names of the filters.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.filters.keys().map(String::as_str)
    }

    /// Makes the layer of a filter.
    ///
    /// # Errors
    ///
    /// [`InvalidFilter`] if there is no filter with that name, or its configuration is wrong.
    pub fn build(
        &self,
        name: &str,
        config: &Value,
        surroundings: &Surroundings,
    ) -> Result<BoxMailLayer, InvalidFilter> {
        let unknown = || InvalidFilter::new(format!("unknown filter `{name}`"));
        let build = self.filters.get(name).ok_or_else(unknown)?;
        caught(|| build(config, surroundings, &self.parts))
    }

    /// Reads the lists from HTTP servers of filters that were [checked](Self::check).
    ///
    /// # Errors
    ///
    /// The error for the first list that cannot be read.
    pub(crate) async fn load_lists(&self) -> Result<(), ListError> {
        self.trial.lists.load().await
    }

    /// Checks that a filter can be made from its configuration.
    ///
    /// # Errors
    ///
    /// The same as for [`Registry::build`].
    pub fn check(&self, name: &str, config: &Value) -> Result<(), InvalidFilter> {
        self.build(name, config, &self.trial).map(drop)
    }
}

/// Without the feature for mail authentication, nothing is signed.
#[cfg(not(feature = "mail-auth"))]
pub(crate) fn signs(_: &Value, _: &str, _: bool) -> bool {
    false
}

/// Converts the error of reading a filter's configuration, with its place.
fn of_reading(error: serde_path_to_error::Error<serde_json::Error>) -> InvalidFilter {
    let steps = error.path().iter().filter_map(|segment| match segment {
        Segment::Seq { index } => Some(Step::Item(*index)),
        Segment::Map { key } => Some(Step::Key(key.clone())),
        // A rule's variant is the key that names the rule.
        Segment::Enum { variant } => Some(Step::Key(variant.clone())),
        Segment::Unknown => None,
    });
    InvalidFilter {
        at: steps.collect(),
        message: error.inner().to_string(),
    }
}

/// Converts the error of building a filter, with all causes.
fn of_building(error: BoxError) -> InvalidFilter {
    match error.downcast() {
        Ok(invalid) => *invalid,
        Err(error) => InvalidFilter::new(Causes(&*error).to_string()),
    }
}

impl Default for Registry {
    /// A registry with the filters of `koukan-core`.
    fn default() -> Self {
        let mut registry = Self::empty();
        registry.parts.matchers = Matchers::builtin();
        builtin::register(&mut registry);
        registry
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}
