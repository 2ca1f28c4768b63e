//! Explanations: builds the chains of the configuration for one message, without connections behind them.
//!
//! Each explanation reads the files that filters and endpoints name. Lists from servers are not read more often than
//! in an agent. The agent's counters, for example those of rates, are not used.

mod network;
mod service;
mod ways;

pub(crate) use self::service::Explanations;

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use koukan_core::{
    blocking::{BlockingPool, WorkLost},
    context::Sender,
    explain::{Copies, Entry, Explainer, Parts, ProbeEndpoint, ProbeLayer, run},
    network::{SharedConnector, SharedResolver},
    rate::ReplicaCount,
    resource::{Explain, Explanation},
    service::BoxMailService,
    stage::{
        hand_over::HandOverLayer,
        output_handler::{Chain, RetryPolicy},
    },
};
use koukan_smtp::client::{HostIdentities, HostLimits, OwnAddresses};
use tower::Layer;

use crate::{
    config::{self, Config, Endpoint},
    registry::{CopyRoutes, FollowedLists, Registry, Routes, Surroundings},
};

use self::{
    network::Unconnected,
    ways::{HttpWay, SmtpWays},
};
use super::{
    StartError,
    certificates::CertificateFiles,
    endpoint::{self, Rules},
    logins::LoginFiles,
    resolver,
};

/// Chains by sender; set once they are built.
type Entries = Arc<OnceLock<HashMap<Sender, Entry>>>;

/// What is needed to make explanations.
#[derive(Debug)]
pub(crate) struct Explaining {
    registry: Registry,
    config: Config,
    resolver: SharedResolver,
    /// The connector for servers that offer lists.
    connector: SharedConnector,
    /// The lists of these servers that were read so far.
    lists: FollowedLists,
    /// Threads on which chains are built: the files may be long, or on a file system that does not answer.
    blocking: BlockingPool,
}

/// What is needed to build the chains for one message.
struct Making<'a> {
    registry: &'a Registry,
    config: &'a Config,
    surroundings: Surroundings,
    limits: HostLimits,
    own: OwnAddresses,
    explainer: Explainer,
    entries: Entries,
    /// The message.
    sent: Bytes,
}

impl Explaining {
    /// Explains an agent with that configuration and the filters of the registry. Names are looked up with the
    /// resolver in `given`, or else as the configuration says. `connector` is only used for lists from servers, which
    /// are kept in `lists`.
    pub(crate) fn new(
        registry: &Registry,
        config: &Config,
        given: Option<SharedResolver>,
        connector: SharedConnector,
        lists: FollowedLists,
    ) -> Self {
        Self {
            registry: registry.clone(),
            config: config.clone(),
            resolver: given.unwrap_or_else(|| resolver::of(&config.resolver)),
            connector,
            lists,
            blocking: BlockingPool::default(),
        }
    }

    /// Whether that sender has a chain.
    pub(crate) fn knows(&self, sender: &Sender) -> bool {
        self.config.chain_of(sender).is_some()
    }

    /// Explains what would happen to a message.
    ///
    /// # Errors
    ///
    /// [`StartError`] if the sender has no chain, or a chain cannot be built, or a list cannot be read from its server.
    pub(crate) async fn explain(
        self: Arc<Self>,
        asked: Explain,
    ) -> Result<Explanation, StartError> {
        let explainer = Explainer::new();
        let (explaining, noted) = (Arc::clone(&self), explainer.clone());
        let sent = asked.message();
        let made = self.blocking.run(move || explaining.entries(noted, sent));
        let lost = |error: WorkLost| StartError::Config(format!("no chains are made: {error}"));
        let entries = made.await.map_err(lost)??;
        // Rules must use lists as fresh as the agent's.
        self.lists.renew().await?;
        let sender = &asked.context.sender;
        let entry = entries.get().and_then(|entries| entries.get(sender));
        let unknown = || StartError::Config(format!("there is no chain of sender `{sender}`"));
        let entry = entry.cloned().ok_or_else(unknown)?;
        let explanation = run(asked, &explainer, entry).await;
        // Until here the chains find each other through it.
        drop(entries);
        Ok(explanation)
    }

    /// All chains, by sender. Reads files.
    fn entries(&self, explainer: Explainer, sent: Bytes) -> Result<Entries, StartError> {
        let connector = Arc::new(Unconnected(explainer.clone()));
        let resolver = Arc::clone(&self.resolver);
        let surroundings = Surroundings::new(self.config.hostname.value.as_str())
            .with_network(connector, resolver)
            .with_lists_by(Arc::clone(&self.connector), self.lists.clone())
            .with_rule_watch(Arc::new(explainer.clone()));
        let own = OwnAddresses::default();
        let smtp = self.config.smtp_listener.iter();
        let rest = self.config.rest_listener.iter();
        let smtp = smtp.filter_map(|listener| listener.address.value.tcp());
        own.set(smtp.chain(rest.filter_map(|listener| listener.address.value.tcp())));
        let making = Making {
            registry: &self.registry,
            config: &self.config,
            surroundings,
            limits: endpoint::limits(&self.config.destination, &ReplicaCount::default())?,
            own,
            explainer,
            entries: Entries::default(),
            sent,
        };
        let entries = making.entries()?;
        // Set once, here.
        let _ = making.entries.set(entries);
        Ok(making.entries)
    }
}

impl Making<'_> {
    /// All chains, by sender.
    fn entries(&self) -> Result<HashMap<Sender, Entry>, StartError> {
        let mut by_name = HashMap::new();
        for chain in &self.config.chain {
            by_name.insert(chain.name.value.as_str(), self.chain(chain)?);
        }
        let mut entries = HashMap::new();
        for (sender, name) in self.config.sender.iter().flat_map(config::Sender::chains) {
            if let Some(entry) = by_name.get(name.value.as_str()) {
                entries.insert(sender, entry.clone());
            }
        }
        Ok(entries)
    }

    fn chain(&self, chain: &config::Chain) -> Result<Entry, StartError> {
        let mut surroundings = self.surroundings.clone();
        let copies = Copies::new(self.explainer.clone(), &chain.name.value, &self.entries);
        surroundings.copies = CopyRoutes::Explained(copies);
        let probe = |depth| ProbeLayer::new(self.explainer.clone(), depth);
        let count = chain.filter.len();
        let end = self.handing_over(chain, self.end(chain)?);
        let mut service = BoxMailService::new(probe(count).layer(end));
        let mut unasked = Vec::new();
        for (index, filter) in chain.filter.iter().enumerate().rev() {
            let filter = &filter.value;
            match self.registry.asked_by(&filter.name, &filter.config) {
                Some(whom) => unasked.push((index, whom.into())),
                None => {
                    let layer = self
                        .registry
                        .build(&filter.name, &filter.config, &surroundings)?;
                    service = layer.layer(service);
                }
            }
            service = BoxMailService::new(probe(index).layer(service));
        }
        unasked.reverse();
        let names = chain.filter.iter();
        let names = names.map(|filter| filter.value.name.as_str().into());
        let entry = Entry::new(self.explainer.clone(), &chain.name.value, names, service);
        Ok(entry.with_unasked(unasked))
    }

    /// If a router of the chain routes to another sender, the message goes on in that sender's chain.
    fn handing_over(&self, chain: &config::Chain, end: BoxMailService) -> BoxMailService {
        if !Routes::of(chain).hands_over() {
            return end;
        }
        let next = Copies::new(self.explainer.clone(), &chain.name.value, &self.entries);
        // The sender does not matter here: the chain is looked up later.
        let next = Chain {
            service: BoxMailService::new(next.handed_over()),
            retry: RetryPolicy::default(),
        };
        BoxMailService::new(HandOverLayer::new(next).layer(end))
    }

    /// What replaces the chain's endpoint.
    fn end(&self, chain: &config::Chain) -> Result<BoxMailService, StartError> {
        let sent = self.sent.clone();
        let explainer = self.explainer.clone();
        Ok(match &chain.endpoint {
            Endpoint::Exploder(config) => {
                let parts = Parts::new(
                    explainer,
                    config.policy.into(),
                    &self.entries,
                    config.general_sender(),
                    self.surroundings.blobs.clone(),
                );
                let by_domain = config.senders_by_domain();
                let parts =
                    by_domain.fold(parts, |parts, (domain, sender)| parts.with(domain, sender));
                BoxMailService::new(parts)
            }
            Endpoint::Smtp(config) => {
                // No connection is made, so no credentials are needed.
                let rules = Rules {
                    limits: &self.limits,
                    identities: &HostIdentities::default(),
                    destinations: &self.config.destination,
                    replicas: &ReplicaCount::default(),
                };
                let (logins, certificates) = (LoginFiles::default(), CertificateFiles::default());
                let files = (&logins, &certificates);
                let smtp = endpoint::smtp(config, rules, &self.surroundings, &self.own, files)?;
                BoxMailService::new(ProbeEndpoint::new(explainer, SmtpWays(smtp), sent))
            }
            Endpoint::Rest(config) => {
                let way = HttpWay {
                    kind: "rest",
                    url: config.url.value.as_str().into(),
                };
                BoxMailService::new(ProbeEndpoint::new(explainer, way, sent))
            }
            // An endpoint of the embedder's cannot be explained: it is named, and not called.
            Endpoint::Own(own) => {
                let way = HttpWay {
                    kind: "own",
                    url: own.name.as_str().into(),
                };
                BoxMailService::new(ProbeEndpoint::new(explainer, way, sent))
            }
            Endpoint::Webhook(config) => {
                let way = HttpWay {
                    kind: "webhook",
                    url: config.url.value.as_str().into(),
                };
                BoxMailService::new(ProbeEndpoint::new(explainer, way, sent))
            }
        })
    }
}
