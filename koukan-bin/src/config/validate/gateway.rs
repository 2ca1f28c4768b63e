//! Checks where mail may be sent when others than the operator name the hosts.

use koukan_smtp::Network;

use super::Check;
use crate::config::Place;

impl Check<'_> {
    /// Checks the form of networks.
    pub(super) fn networks(&mut self, networks: &[Place<String>]) {
        for network in networks {
            if let Err(error) = network.value.parse::<Network>() {
                self.wrong(network, format!("`{}` is {error}", network.value), None);
            }
        }
    }

    /// Checks that only trusted clients use a gateway, since it sends to the hosts that they name.
    pub(super) fn gateways(&mut self) {
        let config = self.config;
        let mut listeners = config.rest_listener.iter().filter(|listener| listener.api);
        let Some(first) = listeners.clone().next() else {
            return;
        };
        let is_trusted = listeners
            .any(|listener| listener.trusted || listener.token.iter().any(|token| token.trusted));
        let is_gateway = |rest: &crate::config::RestSender| rest.gateway;
        let mut senders = config.sender.iter();
        let gateway = senders.find(|sender| sender.rest.as_ref().is_some_and(is_gateway));
        if let (false, Some(gateway)) = (is_trusted, gateway) {
            let message = format!(
                "nobody may use sender `{}`: a gateway is for trusted clients",
                gateway.name.value
            );
            let help = format!(
                "say `trusted: true` at the listener {}, or at one of its tokens",
                first.address.value
            );
            self.wrong(&gateway.name, message, Some(help));
        }
    }
}
