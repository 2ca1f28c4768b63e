//! Builds the chains.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use koukan_core::{
    context::Sender,
    service::{BoxMailLayer, BoxMailService, MailService},
    stage::{
        hand_over::HandOverLayer,
        output_handler::{Chain, ChainMap, Chains, RetryPolicy},
    },
    storage::Storage,
};
use koukan_smtp::{
    SmtpEndpoint,
    client::{HostIdentities, HostLimits, OwnAddresses},
};
use tower::Layer;

use crate::{
    config::{self, Config, Endpoint},
    registry::{
        AddRoute, CopyRoutes, LegChains, RECIPIENT_VERIFICATION, Registry, Routes, Surroundings,
    },
};

use super::{
    StartError,
    certificates::CertificateFiles,
    endpoint::{self, Rules},
    hooks::{self, HookSecrets},
    identities,
    logins::LoginFiles,
    stacks::{self, Output},
};

/// All chains, by sender.
pub(super) struct Built {
    pub(super) by_sender: ChainMap,
    pub(super) endpoints: Vec<SmtpEndpoint>,
}

/// What is needed to build chains.
pub(super) struct Builder<'a> {
    pub(super) registry: &'a Registry,
    pub(super) surroundings: &'a Surroundings,
    pub(super) own: &'a OwnAddresses,
    pub(super) logins: &'a LoginFiles,
    pub(super) certificates: &'a CertificateFiles,
    pub(super) hooks: &'a HookSecrets,
    pub(super) storage: &'a Storage,
    pub(super) output: &'a Output,
    pub(super) late: &'a LateChains,
}

impl Builder<'_> {
    /// Builds every chain once, and gives it to each sender that names it.
    pub(super) fn build(&self, config: &Config) -> Result<Built, StartError> {
        let mut making = Making {
            config,
            limits: endpoint::limits(&config.destination, self.storage.replicas())?,
            identities: identities::of(&config.destination, self.logins, self.certificates)?,
            endpoints: Vec::new(),
            by_name: HashMap::new(),
        };
        for chain in &config.chain {
            self.chain(chain, &mut making)?;
        }
        let mut by_sender = ChainMap::new();
        for (sender, name) in config.sender.iter().flat_map(config::Sender::chains) {
            let unknown = || StartError::Config(format!("unknown chain `{}`", name.value));
            let chain = making.by_name.get(name.value.as_str()).cloned().flatten();
            by_sender = by_sender.with(sender, chain.ok_or_else(unknown)?);
        }
        Ok(Built {
            by_sender,
            endpoints: making.endpoints,
        })
    }

    /// Builds a chain unless it exists; first builds those that copies of its messages go through.
    fn chain<'c>(
        &self,
        chain: &'c config::Chain,
        making: &mut Making<'c>,
    ) -> Result<Chain, StartError> {
        let name = chain.name.value.as_str();
        match making.by_name.get(name) {
            Some(Some(built)) => return Ok(built.clone()),
            Some(None) => {
                let text = format!("chain `{name}` leads back to itself");
                return Err(StartError::Config(text));
            }
            None => {}
        }
        making.by_name.insert(name, None);
        let filters = self.filters(chain, making)?;
        let built = Chain {
            service: self.service(chain, filters, making)?,
            retry: chain
                .retry
                .over(making.config.retry.over(RetryPolicy::default())),
        };
        making.by_name.insert(name, Some(built.clone()));
        Ok(built)
    }

    /// Puts filters around an endpoint. An SMTP endpoint is also remembered, to be closed at the end.
    fn service(
        &self,
        chain: &config::Chain,
        filters: Filters,
        making: &mut Making<'_>,
    ) -> Result<BoxMailService, StartError> {
        Ok(match &chain.endpoint {
            Endpoint::Exploder(config) => {
                stacks::explode(filters, config, self.storage, self.output)
            }
            Endpoint::Smtp(config) => {
                let (surroundings, own) = (self.surroundings, self.own);
                let files = (self.logins, self.certificates);
                let rules = Rules {
                    limits: &making.limits,
                    identities: &making.identities,
                    destinations: &making.config.destination,
                    replicas: self.storage.replicas(),
                };
                let endpoint = endpoint::smtp(config, rules, surroundings, own, files)?;
                making.endpoints.push(endpoint.clone());
                stacks::smtp_leg(filters, endpoint)
            }
            Endpoint::Webhook(config) => {
                let endpoint = hooks::endpoint(config, self.hooks, self.surroundings)?;
                stacks::leg(filters, endpoint)
            }
            Endpoint::Own(own) => {
                let surroundings = self.surroundings;
                let endpoint =
                    self.registry
                        .build_endpoint(&own.name, &own.config, surroundings)?;
                stacks::leg(filters, endpoint)
            }
            Endpoint::Rest(config) => {
                let endpoint = endpoint::rest(chain, config, self.surroundings)?;
                stacks::rest_leg(filters, endpoint)
            }
        })
    }

    fn filters<'c>(
        &self,
        chain: &'c config::Chain,
        making: &mut Making<'c>,
    ) -> Result<Filters, StartError> {
        let mut routes = HashMap::new();
        for sender in AddRoute::all(chain).map(|route| route.to_sender()) {
            // A missing chain is reported by the filter.
            if let Some(next) = making.config.chain_of(&sender) {
                routes.insert(sender, self.chain(next, making)?.service);
            }
        }
        let mut surroundings = self.surroundings.clone();
        surroundings.copies = CopyRoutes::Agent(Arc::new((self.storage.clone(), routes)));
        surroundings.legs = self.legs(chain, making)?;
        surroundings.has_no_exploder = !matches!(chain.endpoint, Endpoint::Exploder(_));
        let filters = chain.filter.iter().map(|filter| {
            let filter = &filter.value;
            self.registry
                .build(&filter.name, &filter.config, &surroundings)
        });
        let mut filters = filters.collect::<Result<Vec<_>, _>>()?;
        if Routes::of(chain).hands_over() {
            // The last filter, directly around the endpoint: a router has decided by then. It needs
            // chains that are built after this one.
            filters.push(BoxMailLayer::new(HandOverLayer::new(self.late.clone())));
        }
        Ok(Filters(filters))
    }

    /// The chains to which the chain's exploder leads, if one of its filters asks about them.
    fn legs<'c>(
        &self,
        chain: &'c config::Chain,
        making: &mut Making<'c>,
    ) -> Result<Option<Arc<LegChains>>, StartError> {
        let mut filters = chain.filter.iter();
        let asks = filters.any(|filter| filter.value.name == RECIPIENT_VERIFICATION);
        let Endpoint::Exploder(exploder) = &chain.endpoint else {
            return Ok(None);
        };
        if !asks {
            return Ok(None);
        }
        let mut leg = |sender: Sender| {
            let unknown = || StartError::Config(format!("sender `{sender}` has no chain"));
            let next = making.config.chain_of(&sender).ok_or_else(unknown)?;
            let service = self.chain(next, making)?.service;
            Ok::<_, StartError>((sender, service))
        };
        let general = leg(exploder.general_sender())?;
        let mut by_domain = HashMap::new();
        for (domain, sender) in exploder.senders_by_domain() {
            by_domain.insert(domain.into(), leg(sender)?);
        }
        Ok(Some(Arc::new(LegChains {
            general,
            by_domain,
            storage: self.storage.clone(),
        })))
    }
}

/// Chains under construction.
struct Making<'c> {
    config: &'c Config,
    limits: HostLimits,
    identities: HostIdentities,
    endpoints: Vec<SmtpEndpoint>,
    /// Chains that are built, and those that have been begun (`None`).
    by_name: HashMap<&'c str, Option<Chain>>,
}

/// The filters of a chain as one layer; the first filter sees a transaction first.
pub(super) struct Filters(Vec<BoxMailLayer>);

impl<S: MailService> Layer<S> for Filters {
    type Service = BoxMailService;

    fn layer(&self, inner: S) -> BoxMailService {
        let inner = BoxMailService::new(inner);
        let filters = self.0.iter().rev();
        filters.fold(inner, |inner, filter| filter.layer(inner))
    }
}

/// Chains that are known only after the parts that use them were made.
#[derive(Debug, Clone, Default)]
pub(crate) struct LateChains(Arc<OnceLock<ChainMap>>);

impl LateChains {
    pub(super) fn set(&self, chains: ChainMap) {
        // Set only once, when the agent is put together.
        let _ = self.0.set(chains);
    }
}

impl Chains for LateChains {
    fn find(&self, sender: &Sender) -> Option<Chain> {
        self.0.get()?.find(sender)
    }
}
