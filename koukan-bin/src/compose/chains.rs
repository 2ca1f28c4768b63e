//! The chains.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use koukan_core::{
    context::Sender,
    service::BoxMailService,
    stage::output_handler::{Chain, ChainMap, Chains, OutputHandler, RetryPolicy},
    storage::Storage,
};
use koukan_smtp::{SmtpEndpoint, client::OwnAddresses};
use tower::Layer;

use crate::{
    config::{self, Config},
    registry::{Registry, Surroundings},
};

use super::{StartError, endpoint};

/// All chains, by who goes through them.
pub(super) struct Built {
    pub(super) by_sender: ChainMap,
    pub(super) endpoints: Vec<SmtpEndpoint>,
}

/// Builds every chain once, and gives it to each sender that names it.
pub(super) fn build(
    config: &Config,
    registry: &Registry,
    surroundings: &Surroundings,
    own: &OwnAddresses,
    storage: &Storage,
    output: &OutputHandler<LateChains>,
) -> Result<Built, StartError> {
    let mut endpoints = Vec::new();
    let mut by_name = HashMap::new();
    for chain in &config.chain {
        let endpoint = endpoint::build(chain, surroundings, own, storage, output, &mut endpoints)?;
        let chain_with_filters = Chain {
            service: with_filters(endpoint, chain, registry, surroundings)?,
            retry: chain.retry.over(config.retry.over(RetryPolicy::default())),
        };
        by_name.insert(chain.name.value.as_str(), chain_with_filters);
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

/// The first filter of the list is the outermost layer: the first that sees a transaction.
fn with_filters(
    endpoint: BoxMailService,
    chain: &config::Chain,
    registry: &Registry,
    surroundings: &Surroundings,
) -> Result<BoxMailService, StartError> {
    chain
        .filter
        .iter()
        .rev()
        .try_fold(endpoint, |inner, filter| {
            let filter = &filter.value;
            let layer = registry.build(&filter.name, &filter.config, surroundings)?;
            Ok(layer.layer(inner))
        })
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
