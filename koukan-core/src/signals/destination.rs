//! The next destination of a transaction, as decided by a routing filter.

use crate::host_port::HostPort;

/// The signal that tells the endpoint where to deliver.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Destination {
    /// Hosts to try in this order.
    pub hosts: Vec<HostPort>,
    /// Who named them.
    pub named_by: NamedBy,
}

/// Who named the hosts of a [`Destination`].
///
/// An endpoint connects to whatever the operator names. If somebody else names the hosts, the
/// endpoint checks their addresses first: senders must not reach what only this host can reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NamedBy {
    /// The operator, in the configuration.
    Operator,
    /// Somebody else: a recipient's domain, its MX records, a client's `remote_host`.
    Other,
    /// Somebody else, by a domain: each of the [hosts](Destination::hosts) is a domain or an address,
    /// and an SMTP endpoint asks the DNS which hosts accept mail for it.
    Domain,
}

impl Destination {
    /// Hosts that the operator names in the configuration.
    pub fn of_operator(hosts: impl IntoIterator<Item = HostPort>) -> Self {
        Self {
            hosts: hosts.into_iter().collect(),
            named_by: NamedBy::Operator,
        }
    }

    /// The hosts that accept mail for a domain by the DNS; or an address.
    pub fn of_domain(domain: HostPort) -> Self {
        Self {
            hosts: vec![domain],
            named_by: NamedBy::Domain,
        }
    }

    /// Hosts that somebody else names.
    pub fn of_other(hosts: impl IntoIterator<Item = HostPort>) -> Self {
        Self {
            hosts: hosts.into_iter().collect(),
            named_by: NamedBy::Other,
        }
    }
}
