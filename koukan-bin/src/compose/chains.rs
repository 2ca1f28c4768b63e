//! The chains.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use koukan_core::{
    context::Sender,
    service::{BoxMailLayer, BoxMailService, MailService},
    stage::output_handler::{Chain, ChainMap, Chains, RetryPolicy},
    storage::Storage,
};
use koukan_smtp::{
    SmtpEndpoint,
    client::{HostLimits, OwnAddresses},
};
use tower::Layer;

use crate::{
    config::{self, Config, Endpoint},
    registry::{Registry, Surroundings},
};

use super::{
    StartError,
    certificates::CertificateFiles,
    endpoint,
    hooks::{self, HookSecrets},
    logins::LoginFiles,
    stacks::{self, Output},
};

/// All chains, by who goes through them.
pub(super) struct Built {
    pub(super) by_sender: ChainMap,
    pub(super) endpoints: Vec<SmtpEndpoint>,
}

/// What the chains are made with.
pub(super) struct Builder<'a> {
    pub(super) registry: &'a Registry,
    pub(super) surroundings: &'a Surroundings,
    pub(super) own: &'a OwnAddresses,
    pub(super) logins: &'a LoginFiles,
    pub(super) certificates: &'a CertificateFiles,
    pub(super) hooks: &'a HookSecrets,
    pub(super) storage: &'a Storage,
    pub(super) output: &'a Output,
}

impl Builder<'_> {
    /// Builds every chain once, and gives it to each sender that names it.
    pub(super) fn build(&self, config: &Config) -> Result<Built, StartError> {
        let limits = endpoint::limits(&config.destination)?;
        let mut endpoints = Vec::new();
        let mut by_name = HashMap::new();
        for chain in &config.chain {
            let built = Chain {
                service: self.chain(chain, (&limits, &config.destination), &mut endpoints)?,
                retry: chain.retry.over(config.retry.over(RetryPolicy::default())),
            };
            by_name.insert(chain.name.value.as_str(), built);
        }
        let mut by_sender = ChainMap::new();
        for (sender, name) in config.sender.iter().flat_map(config::Sender::chains) {
            let unknown = || StartError::Config(format!("unknown chain `{}`", name.value));
            let chain = by_name.get(name.value.as_str()).ok_or_else(unknown)?;
            by_sender = by_sender.with(sender, chain.clone());
        }
        Ok(Built {
            by_sender,
            endpoints,
        })
    }

    /// Builds a chain; an SMTP endpoint is also put with the others, to be closed.
    fn chain(
        &self,
        chain: &config::Chain,
        rules: (&HostLimits, &[config::Destination]),
        endpoints: &mut Vec<SmtpEndpoint>,
    ) -> Result<BoxMailService, StartError> {
        let filters = self.filters(chain)?;
        Ok(match &chain.endpoint {
            Endpoint::Exploder(config) => {
                stacks::explode(filters, config, self.storage, self.output)
            }
            Endpoint::Smtp(config) => {
                let (surroundings, own) = (self.surroundings, self.own);
                let files = (self.logins, self.certificates);
                let endpoint = endpoint::smtp(config, rules, surroundings, own, files)?;
                endpoints.push(endpoint.clone());
                stacks::smtp_leg(filters, endpoint)
            }
            Endpoint::Webhook(config) => {
                let endpoint = hooks::endpoint(config, self.hooks, self.surroundings)?;
                stacks::leg(filters, endpoint)
            }
            Endpoint::Rest(config) => {
                let endpoint = endpoint::rest(chain, config, self.surroundings)?;
                stacks::rest_leg(filters, endpoint)
            }
        })
    }

    fn filters(&self, chain: &config::Chain) -> Result<Filters, StartError> {
        let filters = chain.filter.iter().map(|filter| {
            let filter = &filter.value;
            self.registry
                .build(&filter.name, &filter.config, self.surroundings)
        });
        let filters: Result<Vec<_>, _> = filters.collect();
        Ok(Filters(filters?))
    }
}

/// The filters of a chain as one layer: the first of them sees a transaction first.
pub(super) struct Filters(Vec<BoxMailLayer>);

impl<S: MailService> Layer<S> for Filters {
    type Service = BoxMailService;

    fn layer(&self, inner: S) -> BoxMailService {
        let inner = BoxMailService::new(inner);
        let filters = self.0.iter().rev();
        filters.fold(inner, |inner, filter| filter.layer(inner))
    }
}

/// Chains that are known only after what uses them was made.
#[derive(Debug, Clone, Default)]
pub(crate) struct LateChains(Arc<OnceLock<ChainMap>>);

impl LateChains {
    pub(super) fn set(&self, chains: ChainMap) {
        // Set once, by the one who composes.
        let _ = self.0.set(chains);
    }
}

impl Chains for LateChains {
    fn find(&self, sender: &Sender) -> Option<Chain> {
        self.0.get()?.find(sender)
    }
}
