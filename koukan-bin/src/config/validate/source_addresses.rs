//! The addresses from which hosts are connected to.

use std::{
    io,
    net::{IpAddr, UdpSocket},
};

use koukan_core::signals::HostPort;

use super::Check;
use crate::config::{Destination, Endpoint, Place};

impl Check<'_> {
    /// Those of endpoints.
    pub(super) fn source_addresses(&mut self) {
        let config = self.config;
        for chain in &config.chain {
            if let Endpoint::Smtp(smtp) = &chain.endpoint {
                let sources = &smtp.source_address;
                let is_unix = |host: &Place<String>| host.value.starts_with("unix:");
                if let Some(source) = sources.first()
                    && !smtp.host.is_empty()
                    && smtp.host.iter().all(is_unix)
                {
                    let message = "a Unix socket is not connected to from an address".to_owned();
                    let help = "leave `source_address` out".to_owned();
                    self.wrong(source, message, Some(help));
                    continue;
                }
                self.sources(sources);
            }
        }
    }

    /// Those of a single host.
    pub(super) fn sources_of_host(&mut self, rule: &Destination, host: &HostPort) {
        if let (Some(source), Some(_)) = (rule.source_address.first(), host.unix()) {
            let message = format!("the Unix socket `{host}` is not connected to from an address");
            return self.wrong(source, message, Some("leave `source_address` out".into()));
        }
        self.sources(&rule.source_address);
    }

    /// One of a family at most, each an address of this machine.
    fn sources(&mut self, sources: &[Place<IpAddr>]) {
        let mut known: Vec<IpAddr> = Vec::new();
        for source in sources {
            let address = source.value;
            if address.is_unspecified() || address.is_multicast() {
                let message = format!("nothing can be connected to from `{address}`");
                let help =
                    "name an address of this machine, or leave it out: then the system chooses";
                self.wrong(source, message, Some(help.into()));
            } else if let Some(other) = known.iter().find(|ip| ip.is_ipv4() == address.is_ipv4()) {
                let family = if address.is_ipv4() { "IPv4" } else { "IPv6" };
                let message = format!("`{other}` and `{address}` are both of {family}");
                let help =
                    "name one of each family: chains and destinations may each have their own";
                self.wrong(source, message, Some(help.into()));
            } else if is_elsewhere(address) {
                let message = format!("`{address}` is no address of this machine");
                let help = "give it to an interface before mail is sent, or name another: until then mail that is \
                            to go from there waits";
                self.odd(source, message, help);
            }
            known.push(address);
        }
    }
}

/// Whether this machine does not have the address.
fn is_elsewhere(address: IpAddr) -> bool {
    let bound = UdpSocket::bind((address, 0));
    bound.is_err_and(|error| error.kind() == io::ErrorKind::AddrNotAvailable)
}
