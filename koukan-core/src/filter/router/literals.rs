//! Routes recipients with an address literal.

use crate::{
    network::Network,
    path::{Domain, ForwardPath},
    signals::{Destination, HostPort},
};

use super::{Decision, Policy};

/// Routes recipients such as `bob@[192.0.2.1]` to that address.
///
/// The address is chosen by whoever writes the recipient. An endpoint refuses addresses of its own host and
/// others that are not for strangers, unless it is told to allow them.
///
/// *Source*: RFC 5321 section 4.1.3.
///
/// # Example
///
/// ```
/// use koukan_core::filter::router::{AddressLiterals, Decision, Policy};
///
/// let literals = AddressLiterals::new().with_networks(["192.0.2.0/24".parse().unwrap()]);
/// let decide = |recipient: &str| literals.decide(&recipient.parse().unwrap());
/// assert!(matches!(decide("bob@[192.0.2.1]"), Decision::Route(_)));
/// assert_eq!(decide("bob@[198.51.100.1]"), Decision::Pass);
/// assert_eq!(decide("bob@example.com"), Decision::Pass);
/// ```
#[derive(Debug, Clone)]
pub struct AddressLiterals {
    networks: Option<Vec<Network>>,
    port: u16,
}

impl AddressLiterals {
    /// Routes to every address, on port 25.
    pub fn new() -> Self {
        Self {
            networks: None,
            port: 25,
        }
    }

    /// Knows only addresses in these networks.
    #[must_use]
    pub fn with_networks(mut self, networks: impl IntoIterator<Item = Network>) -> Self {
        self.networks = Some(networks.into_iter().collect());
        self
    }

    /// Routes to another port.
    #[must_use]
    pub fn with_port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }
}

impl Default for AddressLiterals {
    fn default() -> Self {
        Self::new()
    }
}

impl Policy for AddressLiterals {
    fn decide(&self, recipient: &ForwardPath) -> Decision {
        let Some(Domain::Address(address)) = recipient.mailbox().map(|mailbox| mailbox.domain())
        else {
            return Decision::Pass;
        };
        // An IPv4 address in any form.
        let address = address.to_canonical();
        let holds = |networks: &Vec<Network>| networks.iter().any(|it| it.holds(address));
        if !self.networks.as_ref().is_none_or(holds) {
            return Decision::Pass;
        }
        let host = HostPort {
            host: address.to_string().into(),
            port: self.port,
        };
        Decision::Route(Destination::of_other([host]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_its_own_host() {
        let networks = ["192.0.2.0/24", "2001:db8::/32"].map(|it| it.parse().unwrap());
        let all = AddressLiterals::new();
        let some = all.clone().with_networks(networks).with_port(2525);
        let route = |policy: &AddressLiterals, recipient: &str| match policy
            .decide(&recipient.parse().unwrap())
        {
            Decision::Route(to) => to.hosts[0].to_string(),
            other => format!("{other:?}"),
        };
        for (recipient, of_all, of_some) in [
            ("a@[192.0.2.1]", "192.0.2.1:25", "192.0.2.1:2525"),
            (
                "a@[IPv6:::ffff:192.0.2.1]",
                "192.0.2.1:25",
                "192.0.2.1:2525",
            ),
            (
                "a@[IPv6:2001:db8::1]",
                "[2001:db8::1]:25",
                "[2001:db8::1]:2525",
            ),
            ("a@[198.51.100.1]", "198.51.100.1:25", "Pass"),
            ("a@[tag:text]", "Pass", "Pass"),
            ("a@example.com", "Pass", "Pass"),
            ("postmaster", "Pass", "Pass"),
        ] {
            assert_eq!(route(&all, recipient), of_all, "{recipient}");
            assert_eq!(route(&some, recipient), of_some, "{recipient}");
        }
    }
}
