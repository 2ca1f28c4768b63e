//! Filters and endpoints by name: how config becomes layers and services.

mod add_route;
mod builtin;
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

use self::{endpoints::Endpoints, policy_action::Matchers, router::OwnRules};

/// A filter, or an endpoint, cannot be made of its configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
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

    /// The same, of what stands there within the configuration.
    #[must_use]
    pub fn within(mut self, at: impl IntoIterator<Item = Step>) -> Self {
        self.at = at.into_iter().collect();
        self
    }
}

/// Knows for each filter's name how to make a layer of its configuration.
#[derive(Clone)]
pub struct Registry {
    filters: BTreeMap<String, Arc<Build>>,
    parts: FilterParts,
    /// The durable signals that filters write, of those of which it is known.
    signals: BTreeMap<String, Vec<String>>,
    /// Filters that ask others, and how it is told whom.
    asking: BTreeMap<String, Arc<Asking>>,
    endpoints: Endpoints,
    /// The schemas of the configurations of those filters that every agent has.
    schemas: BTreeMap<&'static str, Describe>,
    /// Whether an embedder's authenticator knows the users.
    has_authenticator: bool,
    /// What filters are made with only to see whether they can be.
    trial: Surroundings,
}

type Describe = fn(&mut SchemaGenerator) -> Schema;
type Asking = dyn Fn(&Value) -> String + Send + Sync;
type Build = dyn Fn(&Value, &Surroundings, &FilterParts) -> Result<BoxMailLayer, InvalidFilter>
    + Send
    + Sync;

/// What filters are made of that is found by name as well.
#[derive(Clone, Default)]
struct FilterParts {
    /// What the rules of `policy_action` can ask.
    matchers: Matchers,
    /// Rules of routers, beside those that every agent has.
    rules: OwnRules,
}

impl Registry {
    /// Knows nothing.
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
            has_authenticator: false,
            trial,
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
    /// configuration: with an [`InvalidFilter`] that may say where it is wrong, or any other error.
    ///
    /// A filter is also built to see whether it can be: when a configuration is checked, without a
    /// runtime and in surroundings in which nothing runs.
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

    /// As [`Registry::try_filter`], for a filter that every agent has: the schema knows its keys.
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

    /// Says what the schema is of the configuration of a filter that every agent has.
    fn schema_of<C: JsonSchema>(&mut self, name: &'static str) {
        self.schemas.insert(name, C::json_schema);
    }

    /// The schemas of the configurations of filters, by their names.
    pub(crate) fn schemas(&self) -> impl Iterator<Item = (&'static str, Describe)> {
        self.schemas.iter().map(|(name, schema)| (*name, *schema))
    }

    /// Whether the schema knows the configuration of the filter of that name.
    pub(crate) fn describes(&self, filter: &str) -> bool {
        self.schemas.contains_key(filter)
    }

    /// The names of those rules of the filter `router` that were added.
    pub(crate) fn rule_names(&self) -> impl Iterator<Item = &str> {
        self.parts.rules.names()
    }

    /// As [`Registry::try_filter`], for a filter that is given matchers and rules, too.
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
        // That of one that was replaced.
        self.schemas.remove(name);
    }

    /// Adds a matcher, which the rules of the filter `policy_action` can ask: `build` makes it of its
    /// configuration, the keys that stand beside `matcher`, or refuses that. An earlier one of that name is
    /// replaced.
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

    /// Adds a rule for the filter `router`: `build` makes a policy of its configuration, what stands behind its name, or
    /// refuses that. An earlier one of that name is replaced.
    ///
    /// It is also built to see whether it can be, as filters are ([`Registry::try_filter`]). To which senders it hands
    /// recipients over, and whether they stand for others, is not checked with the configuration: of the former, each
    /// must have a chain, and of the latter only an exploder at the end of the chain makes parts.
    ///
    /// # Panics
    ///
    /// Where the name is that of a rule that every agent has, as `address_list`.
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

    /// Says which durable signals a filter writes, by their names. Rules that ask for others, and that none of
    /// the filters before them writes, are mistakes then. Of a filter of which nothing is said it may be any.
    pub fn signals<'a>(&mut self, filter: &str, names: impl IntoIterator<Item = &'a str>) {
        let names = names.into_iter().map(str::to_owned).collect();
        self.signals.insert(filter.to_owned(), names);
    }

    /// Says that a filter asks others than the DNS of each message: a scanner, a directory. `whom` tells of its
    /// configuration whom it asks, as in `clamd at 127.0.0.1:3310`. Where it is explained what would become of
    /// a message, the filter is left out then, and that is told.
    pub fn asks(&mut self, filter: &str, whom: impl Fn(&Value) -> String + Send + Sync + 'static) {
        self.asking.insert(filter.to_owned(), Arc::new(whom));
    }

    /// Whom a filter of that name and configuration asks, where that is said.
    pub(crate) fn asked_by(&self, filter: &str, config: &Value) -> Option<String> {
        self.asking.get(filter).map(|whom| whom(config))
    }

    /// The durable signals that a filter writes, if that is known.
    pub(crate) fn signals_of(&self, filter: &str) -> Option<&[String]> {
        self.signals.get(filter).map(Vec::as_slice)
    }

    /// What the rule is that has that configuration, if that is right.
    pub(crate) fn outline(&self, config: &Value) -> Option<Outline> {
        Outline::read(config, &self.parts.matchers, &self.trial)
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
        build(config, surroundings, &self.parts)
    }

    /// Reads the lists that HTTP servers have, of filters that were [checked](Self::check).
    ///
    /// # Errors
    ///
    /// The first that cannot be read.
    pub(crate) async fn load_lists(&self) -> Result<(), ListError> {
        self.trial.lists.load().await
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

/// Without mail authentication nothing is signed.
#[cfg(not(feature = "mail-auth"))]
pub(crate) fn signs(_: &Value, _: &str, _: bool) -> bool {
    false
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

/// Why a filter could not be built, with all causes.
fn of_building(error: BoxError) -> InvalidFilter {
    match error.downcast() {
        Ok(invalid) => *invalid,
        Err(error) => InvalidFilter::new(Causes(&*error).to_string()),
    }
}

impl Default for Registry {
    /// Knows the filters of `koukan-core`.
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
