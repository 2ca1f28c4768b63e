//! Checks for parts that have no use.

use std::collections::BTreeSet;

use koukan_core::context;

use super::Check;
use crate::{
    config::{Chain, Endpoint, Notification},
    registry::{AddRoute, Routes},
};

impl Check<'_> {
    /// Warns about chains and senders that nothing uses.
    pub(super) fn uses(&mut self) {
        let config = self.config;
        let mut chains = BTreeSet::new();
        for (_, chain) in config.sender.iter().flat_map(|sender| sender.chains()) {
            chains.insert(chain.value.as_str());
        }
        for chain in &config.chain {
            if !chains.contains(chain.name.value.as_str()) {
                let message = format!("no sender uses chain `{}`", chain.name.value);
                self.odd(
                    &chain.name,
                    message,
                    "name it as the `chain` of a sender, or leave it out",
                );
            }
        }
        let used = self.used();
        for sender in &config.sender {
            let has_rest = sender.rest.is_some();
            if !has_rest && !used.iter().any(|used| *used.name == *sender.name.value) {
                let message = format!("nothing uses sender `{}`", sender.name.value);
                let help = "name it in a listener, an exploder or `add_route`, give it `rest: {}`, or leave it out";
                self.odd(&sender.name, message, help);
            }
        }
        self.rest_use();
        self.suppression_use();
    }

    /// Warns about senders that suppress bad addresses but never send to one.
    fn suppression_use(&mut self) {
        let config = self.config;
        for sender in &config.sender {
            let Some(suppression) = &sender.suppression else {
                continue;
            };
            let chains = sender.chains().filter_map(|(_, name)| {
                let mut all = config.chain.iter();
                all.find(|chain| chain.name.value == name.value)
            });
            let chains: Vec<_> = chains.collect();
            let explodes = |chain: &&Chain| matches!(chain.endpoint, Endpoint::Exploder(_));
            let never_sends = chains.iter().all(explodes);
            if let (Some(chain), true) = (chains.first(), never_sends) {
                let message = format!(
                    "sender `{}` sends to no address itself: chain `{}` ends in an exploder",
                    sender.name.value, chain.name.value
                );
                let help = "say `suppression` of the senders that the exploder names";
                self.odd(suppression, message, help);
            }
        }
    }

    /// Checks that the REST API has senders, and the senders a listener.
    fn rest_use(&mut self) {
        let config = self.config;
        let mut with_rest = config.sender.iter().filter(|sender| sender.rest.is_some());
        let api = config.rest_listener.iter().find(|listener| listener.api);
        match (api, with_rest.next()) {
            (Some(api), None) => {
                let message = format!("nobody can send mail by {}", api.address.value);
                let help = "give a sender `rest: {}`, or say `api: false` here";
                self.odd(&api.address, message, help);
            }
            (None, Some(sender)) => {
                let message = format!("sender `{}` has no listener to use", sender.name.value);
                self.odd(
                    &sender.name,
                    message,
                    "add a `rest_listener`, or leave `rest` out",
                );
            }
            _ => {}
        }
    }

    /// All senders that something names.
    pub(super) fn used(&self) -> Vec<context::Sender> {
        let config = self.config;
        let notification = config.notification.iter();
        let mut used: Vec<_> = notification.map(Notification::to_sender).collect();
        used.extend(
            config
                .smtp_listener
                .iter()
                .flat_map(|listener| listener.principals())
                .map(|principal| principal.to_sender()),
        );
        for chain in &config.chain {
            if let Endpoint::Exploder(exploder) = &chain.endpoint {
                used.extend(exploder.senders());
            }
            used.extend(AddRoute::all(chain).map(|route| route.to_sender()));
            used.extend(Routes::of(chain).senders);
        }
        used
    }
}
