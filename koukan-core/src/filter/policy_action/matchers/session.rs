//! Who the client is, and how it has connected.

use crate::{
    filter::policy_action::{Facts, Matcher, Verdict},
    network::Network,
};

/// The client's address is in one of some networks. IPv4 addresses that are written as IPv6 ones
/// (`::ffff:192.0.2.1`) are the IPv4 addresses. Who has no address is in none.
#[derive(Debug, Clone)]
pub struct NetworkAddress {
    networks: Vec<Network>,
}

impl NetworkAddress {
    /// In one of these.
    pub fn new(networks: impl IntoIterator<Item = Network>) -> Self {
        let networks = networks.into_iter().collect();
        Self { networks }
    }
}

impl Matcher for NetworkAddress {
    fn matches(&self, facts: &Facts<'_>) -> Verdict {
        let client = facts.context.remote_host;
        let client = client.map(|client| client.ip().to_canonical());
        let is_in = client.is_some_and(|client| self.networks.iter().any(|net| net.holds(client)));
        is_in.into()
    }
}

/// The client uses TLS.
#[derive(Debug, Clone, Copy, Default)]
pub struct OverTls;

impl Matcher for OverTls {
    fn matches(&self, facts: &Facts<'_>) -> Verdict {
        facts.context.tls.is_some().into()
    }
}

/// The client has authenticated itself, as one of some identities if any are named.
#[derive(Debug, Clone, Default)]
pub struct SmtpAuth {
    identities: Vec<Box<str>>,
}

impl SmtpAuth {
    /// As one of these; without any, as whoever.
    pub fn new<I: Into<Box<str>>>(identities: impl IntoIterator<Item = I>) -> Self {
        let identities = identities.into_iter().map(Into::into).collect();
        Self { identities }
    }
}

impl Matcher for SmtpAuth {
    fn matches(&self, facts: &Facts<'_>) -> Verdict {
        let identity = facts.context.identity.as_deref();
        let is_one = |identity: &str| {
            self.identities.is_empty() || self.identities.iter().any(|known| **known == *identity)
        };
        identity.is_some_and(is_one).into()
    }
}
