//! Endpoints by name: those that an embedder adds to the built-in ones.

use std::{collections::BTreeMap, sync::Arc};

use koukan_core::service::{BoxMailService, MailService};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower::BoxError;

use super::{InvalidFilter, Registry, Surroundings, caught::caught, of_building, of_reading};

/// The endpoints that every agent has.
pub(crate) const ENDPOINTS: [&str; 4] = ["exploder", "smtp", "rest", "webhook"];

type Build = dyn Fn(&Value, &Surroundings) -> Result<BoxMailService, InvalidFilter> + Send + Sync;

/// For each endpoint's name, how to make a service from its configuration.
#[derive(Clone, Default)]
pub(super) struct Endpoints(BTreeMap<String, Arc<Build>>);

impl Registry {
    /// Adds an endpoint: `build` makes from its configuration the service in which a chain ends.
    /// Replaces an earlier endpoint with that name.
    ///
    /// # Panics
    ///
    /// If the name is that of a built-in endpoint: `exploder`, `smtp`, `rest`, `webhook`.
    pub fn endpoint<C, S>(&mut self, name: &str, build: impl Fn(C) -> S + Send + Sync + 'static)
    where
        C: DeserializeOwned,
        S: MailService,
    {
        self.try_endpoint(name, move |config: C, _: &Surroundings| {
            Ok::<_, InvalidFilter>(build(config))
        });
    }

    /// Like [`Registry::endpoint`], for an endpoint that needs its surroundings, or that may refuse
    /// its configuration. The error may be of any type; an [`InvalidFilter`] can say where the
    /// configuration is wrong.
    ///
    /// It is also built to check the configuration, as filters are ([`Registry::try_filter`]).
    ///
    /// # Panics
    ///
    /// The same as for [`Registry::endpoint`].
    pub fn try_endpoint<C, S, E>(
        &mut self,
        name: &str,
        build: impl Fn(C, &Surroundings) -> Result<S, E> + Send + Sync + 'static,
    ) where
        C: DeserializeOwned,
        S: MailService,
        E: Into<BoxError>,
    {
        assert!(
            !ENDPOINTS.contains(&name),
            "`{name}` is an endpoint of the agent's own"
        );
        let build = move |config: &Value, surroundings: &Surroundings| {
            let config = serde_path_to_error::deserialize(config).map_err(of_reading)?;
            let service = build(config, surroundings);
            let service = service.map_err(|error| of_building(error.into()))?;
            Ok(BoxMailService::new(service))
        };
        self.endpoints.0.insert(name.to_owned(), Arc::new(build));
    }

    /// The names of the endpoints that were added.
    pub fn endpoint_names(&self) -> impl Iterator<Item = &str> {
        self.endpoints.0.keys().map(String::as_str)
    }

    /// Makes an endpoint.
    ///
    /// # Errors
    ///
    /// [`InvalidFilter`] if no endpoint with that name was added, or its configuration is wrong.
    pub(crate) fn build_endpoint(
        &self,
        name: &str,
        config: &Value,
        surroundings: &Surroundings,
    ) -> Result<BoxMailService, InvalidFilter> {
        let unknown = || InvalidFilter::new(format!("unknown endpoint `{name}`"));
        let build = self.endpoints.0.get(name).ok_or_else(unknown)?;
        caught(|| build(config, surroundings))
    }

    /// Checks that an endpoint can be made from its configuration.
    ///
    /// # Errors
    ///
    /// The same as for [`Registry::build_endpoint`].
    pub(crate) fn check_endpoint(&self, name: &str, config: &Value) -> Result<(), InvalidFilter> {
        self.build_endpoint(name, config, &self.trial).map(drop)
    }

    /// Notes that an embedder's authenticator identifies users.
    pub(crate) fn expect_authenticator(&mut self) {
        self.has_authenticator = true;
    }

    /// Whether an embedder's authenticator identifies users.
    pub(crate) fn has_authenticator(&self) -> bool {
        self.has_authenticator
    }
}
