//! Who the client is, and how it has connected.

use std::{net::IpAddr, str::FromStr};

use crate::{
    filter::{
        InvalidEntry, Replaceable,
        mailbox_set::entries,
        policy_action::{Facts, Matcher, Verdict},
    },
    network::Network,
};

/// The client's address is in one of some networks. IPv4 addresses that are written as IPv6 ones
/// (`::ffff:192.0.2.1`) are the IPv4 addresses. Who has no address is in none.
#[derive(Debug, Clone)]
pub struct NetworkAddress {
    networks: Replaceable<Networks>,
}

impl NetworkAddress {
    /// In one of these.
    pub fn new(networks: impl IntoIterator<Item = Network>) -> Self {
        let networks = Networks(networks.into_iter().collect());
        Self::in_list(Replaceable::new(networks))
    }

    /// In one of that list as it is then.
    pub fn in_list(networks: Replaceable<Networks>) -> Self {
        Self { networks }
    }
}

impl Matcher for NetworkAddress {
    fn matches(&self, facts: &Facts<'_>) -> Verdict {
        let client = facts.context.remote_host;
        let client = client.map(|client| client.ip().to_canonical());
        let is_in = client.is_some_and(|client| self.networks.current().hold(client));
        is_in.into()
    }
}

/// Some networks.
///
/// *Shape* as a text: a network a line, as in `192.0.2.0/24`; empty lines, and what begins with `#`, are comments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<Network>);

impl Networks {
    fn hold(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.holds(address))
    }
}

impl FromStr for Networks {
    type Err = InvalidEntry;

    fn from_str(text: &str) -> Result<Self, InvalidEntry> {
        let networks = entries(text).map(|(line, entry)| {
            let message = || format!("`{entry}` is no network, as in `192.0.2.0/24`");
            entry.parse().map_err(|_| InvalidEntry {
                line,
                message: message(),
            })
        });
        networks.collect::<Result<_, _>>().map(Self)
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
