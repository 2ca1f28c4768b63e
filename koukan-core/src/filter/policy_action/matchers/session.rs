//! Matches the client and its connection.

use std::{net::IpAddr, str::FromStr};

use crate::{
    filter::{
        InvalidEntry, Replaceable,
        mailbox_set::entries,
        policy_action::{Facts, Matcher, Verdict},
    },
    network::Network,
};

/// Matches if the client's address is in one of some networks. An IPv4 address in IPv6 form
/// (`::ffff:192.0.2.1`) counts as the IPv4 address. A client without an address is in no network.
#[derive(Debug, Clone)]
pub struct NetworkAddress {
    networks: Replaceable<Networks>,
}

impl NetworkAddress {
    /// Matches addresses in these networks.
    pub fn new(networks: impl IntoIterator<Item = Network>) -> Self {
        let networks = Networks(networks.into_iter().collect());
        Self::in_list(Replaceable::new(networks))
    }

    /// Matches addresses in the current value of this list.
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

/// A set of networks.
///
/// *Shape* as text: a network on each line, as in `192.0.2.0/24`. Empty lines, and lines that begin with `#`, are
/// ignored.
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

/// Matches if the client uses TLS.
#[derive(Debug, Clone, Copy, Default)]
pub struct OverTls;

impl Matcher for OverTls {
    fn matches(&self, facts: &Facts<'_>) -> Verdict {
        facts.context.tls.is_some().into()
    }
}

/// Matches if the client has authenticated itself; with identities, as one of them.
#[derive(Debug, Clone, Default)]
pub struct SmtpAuth {
    identities: Vec<Box<str>>,
}

impl SmtpAuth {
    /// Matches these identities; without any, every identity.
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
