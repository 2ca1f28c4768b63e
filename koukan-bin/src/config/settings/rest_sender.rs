//! What senders may do with the REST API.

use std::collections::HashMap;

use koukan_core::{
    context::Sender,
    stage::rest_handler::{Dialect, SenderPolicy},
    storage::record::Terms,
};

use crate::config::{Chain, Config, Endpoint, RestSender};

impl Config {
    /// The senders that may use the REST API, each with its policy.
    pub(crate) fn rest_senders(&self) -> HashMap<Sender, SenderPolicy> {
        let mut senders = HashMap::new();
        for sender in &self.sender {
            let Some(rest) = &sender.rest else { continue };
            for (name, chain) in sender.chains() {
                let mut chains = self.chain.iter();
                let chain = chains.find(|known| known.name.value == chain.value);
                senders.insert(name, policy(rest, chain));
            }
        }
        senders
    }
}

fn policy(rest: &RestSender, chain: Option<&Chain>) -> SenderPolicy {
    let explodes = chain.is_some_and(|chain| matches!(chain.endpoint, Endpoint::Exploder(_)));
    let dialect = if rest.gateway || explodes {
        Dialect::Incremental
    } else {
        Dialect::Whole
    };
    SenderPolicy {
        dialect,
        terms: Terms {
            retry: rest.retry && dialect == Dialect::Whole,
            notify: rest.notification && dialect == Dialect::Whole,
        },
        has_next_hop: rest.gateway,
        needs_next_hop: rest.gateway && chain.is_some_and(is_without_destination),
    }
}

/// Whether nothing in a chain decides where its transactions go.
fn is_without_destination(chain: &Chain) -> bool {
    let has_no_host = matches!(&chain.endpoint, Endpoint::Smtp(smtp) if smtp.host.is_empty());
    let mut filters = chain.filter.iter();
    has_no_host && !filters.any(|filter| filter.value.name == "router")
}
