//! Checks that mail does not come back to where it came from, without end.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
};

use axum::http::Uri;
use koukan_core::{context, network::ListenAddress, signals::HostPort};

use super::Check;
use crate::{
    config::{Chain, Endpoint, Rest},
    registry::{AddRoute, Routes},
};

impl<'a> Check<'a> {
    /// Checks that no chain leads to itself, through exploders, copies or this agent's own
    /// listeners: its messages would never leave, and one client could fill the agent with them.
    pub(super) fn circles(&mut self) {
        for chain in &self.config.chain {
            if self.comes_back(chain) {
                let message = format!("chain `{}` leads back to itself", chain.name.value);
                let help = "let it lead to a sender whose chain ends in `smtp` or `rest`, at a \
                            server that is not this agent";
                self.wrong(&chain.name, message, Some(help.into()));
            }
        }
    }

    fn comes_back(&self, chain: &'a Chain) -> bool {
        let mut seen = BTreeSet::new();
        let mut ahead = self.next_chains(chain);
        while let Some(next) = ahead.pop() {
            if next.name.value == chain.name.value {
                return true;
            }
            if seen.insert(next.name.value.as_str()) {
                ahead.extend(self.next_chains(next));
            }
        }
        false
    }

    /// The chains of this agent that take what leaves this one.
    fn next_chains(&self, chain: &'a Chain) -> Vec<&'a Chain> {
        let mut senders = match &chain.endpoint {
            Endpoint::Exploder(exploder) => exploder.senders().collect(),
            Endpoint::Rest(rest) if self.is_own_api(rest) => self.created(chain, rest),
            Endpoint::Rest(_) | Endpoint::Webhook(_) | Endpoint::Own(_) => Vec::new(),
            Endpoint::Smtp(smtp) => {
                let fixed = smtp.host.iter().filter_map(|host| host.value.parse().ok());
                let hosts: Vec<HostPort> = fixed.chain(Routes::of(chain).hosts).collect();
                let listeners = self.config.smtp_listener.iter();
                let own = listeners.filter(|listener| {
                    let mut hosts = hosts.iter();
                    hosts.any(|host| is_host_on(host, &listener.address.value))
                });
                own.map(|listener| listener.principal().to_sender())
                    .collect()
            }
        };
        senders.extend(AddRoute::all(chain).map(|route| route.to_sender()));
        senders.extend(Routes::of(chain).senders);
        let chains = senders.iter();
        chains
            .filter_map(|sender| self.config.chain_of(sender))
            .collect()
    }

    fn is_own_api(&self, rest: &Rest) -> bool {
        let Some((host, port)) = authority(&rest.url.value) else {
            return false;
        };
        let mut listeners = self.config.rest_listener.iter();
        listeners.any(|listener| listener.api && is_on(&host, port, &listener.address.value))
    }

    /// On whose behalf the endpoint creates transactions: the configured sender, or each sender
    /// that uses the chain.
    fn created(&self, chain: &Chain, rest: &Rest) -> Vec<context::Sender> {
        if let Some(name) = &rest.sender {
            let sender = context::Sender::new(name.as_str());
            return vec![match &rest.tag {
                Some(tag) => sender.with_tag(tag.as_str()),
                None => sender,
            }];
        }
        let all = self.config.sender.iter().flat_map(|sender| sender.chains());
        let users = all.filter(|(_, name)| name.value == chain.name.value);
        users.map(|(sender, _)| sender).collect()
    }
}

/// The host and port of a URL.
fn authority(url: &str) -> Option<(String, u16)> {
    let url: Uri = url.parse().ok()?;
    let default = if url.scheme_str()? == "https" {
        443
    } else {
        80
    };
    let host = url.host()?;
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    let port = url.port_u16().unwrap_or(default);
    Some((bare.unwrap_or(host).to_owned(), port))
}

fn is_host_on(host: &HostPort, address: &ListenAddress) -> bool {
    match host.unix() {
        Some(path) => address.unix() == Some(path),
        None => is_on(&host.host, host.port, address),
    }
}

fn is_on(host: &str, port: u16, address: &ListenAddress) -> bool {
    let address = address.tcp();
    address.is_some_and(|address| is_at(host, port, address))
}

/// Whether a host in the file is a socket that this agent listens on. Names other than `localhost`
/// are not looked up.
fn is_at(host: &str, port: u16, address: SocketAddr) -> bool {
    let is_local = |ip: IpAddr| ip.is_loopback() || ip.is_unspecified();
    let meant = match host.parse::<IpAddr>() {
        Ok(ip) => ip == address.ip() || is_local(ip) && address.ip().is_unspecified(),
        Err(_) => host.eq_ignore_ascii_case("localhost") && is_local(address.ip()),
    };
    meant && port == address.port() && port != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_and_sockets() {
        for (url, socket, is_own) in [
            ("http://127.0.0.1:8000", "127.0.0.1:8000", true),
            ("http://127.0.0.1:8000/x", "0.0.0.0:8000", true),
            ("http://LOCALHOST:8000/", "[::1]:8000", true),
            ("http://[::1]:8000", "[::]:8000", true),
            ("https://[::1]", "[::1]:443", true),
            ("http://127.0.0.1", "127.0.0.1:80", true),
            ("http://127.0.0.1:8001", "127.0.0.1:8000", false),
            ("http://192.0.2.1:8000", "127.0.0.1:8000", false),
            ("http://192.0.2.1:8000", "192.0.2.1:8000", true),
            ("http://app.example:8000", "0.0.0.0:8000", false),
            ("127.0.0.1:8000", "127.0.0.1:8000", false),
        ] {
            let (host, port) = authority(url).unwrap_or_default();
            let found = is_at(&host, port, socket.parse().unwrap());
            assert_eq!(found, is_own, "{url} {socket}");
        }
    }
}
