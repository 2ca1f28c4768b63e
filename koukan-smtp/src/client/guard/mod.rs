//! Limits connections that somebody other than the operator asks for.
//!
//! A recipient's domain, its MX records or a client's `remote_host` may name the loopback address,
//! the address of a cloud's metadata service, or this agent itself. The [`Guard`] checks the
//! addresses to which a name has resolved, immediately before connecting. So it does not matter how
//! an address is written, or what the name resolved to earlier.
//!
//! | address | refused |
//! |---|---|
//! | loopback, link-local, unspecified, multicast, reserved, metadata services | unless it is in an allowed [`Network`] |
//! | one on which this agent listens ([`OwnAddresses`]) | always: the mail would come back |
//! | a Unix socket | always |
//! | any other | never |
//!
//! An IPv4 address embedded in an IPv6 address (mapped, NAT64, 6to4) is checked too.

mod embedded;
mod own;
mod special;

pub use self::own::OwnAddresses;

use std::{net::SocketAddr, sync::Arc};

use koukan_core::network::{Network, RemoteAddress};

use super::ClientError;

use self::{embedded::forms, special::is_special};

/// Decides which addresses may be connected to, if the operator has not named the host.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    allowed: Arc<[Network]>,
    own: OwnAddresses,
}

impl Guard {
    /// Refuses every special address; does not know the agent's own addresses.
    pub fn new() -> Self {
        Self::default()
    }

    /// Allows special addresses in these networks.
    #[must_use]
    pub fn with_allowed(mut self, networks: impl IntoIterator<Item = Network>) -> Self {
        self.allowed = networks.into_iter().collect();
        self
    }

    /// Refuses the addresses on which this agent listens.
    #[must_use]
    pub fn with_own(mut self, own: OwnAddresses) -> Self {
        self.own = own;
        self
    }

    /// Whether an address may be connected to.
    ///
    /// # Errors
    ///
    /// [`ClientError::LoopsBack`] for an address of this agent, [`ClientError::NotAllowed`] for a
    /// special address or a Unix socket.
    pub(crate) fn check(&self, address: &RemoteAddress) -> Result<(), ClientError> {
        let Some(address) = address.tcp() else {
            return Err(ClientError::NotAllowed(address.clone()));
        };
        let mut ips = forms(address.ip());
        if ips
            .clone()
            .any(|ip| self.own.has(SocketAddr::new(ip, address.port())))
        {
            return Err(ClientError::LoopsBack(address.into()));
        }
        let is_allowed = ips
            .clone()
            .any(|ip| self.allowed.iter().any(|network| network.holds(ip)));
        if !is_allowed && ips.any(is_special) {
            return Err(ClientError::NotAllowed(address.into()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(guard: &Guard, address: &str) -> &'static str {
        match guard.check(&address.parse().unwrap()) {
            Ok(()) => "free",
            Err(ClientError::NotAllowed(_)) => "not allowed",
            Err(ClientError::LoopsBack(_)) => "loops back",
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn special_addresses_are_refused_however_they_are_written() {
        for address in [
            "127.0.0.1:25",
            "127.255.255.254:25",
            "0.0.0.0:25",
            "0.1.2.3:25",
            "169.254.169.254:80",
            "100.100.100.200:80",
            "192.0.0.192:80",
            "224.0.0.1:25",
            "255.255.255.255:25",
            "240.0.0.1:25",
            "[::]:25",
            "[::1]:25",
            "[fe80::1]:25",
            "[fec0::1]:25",
            "[ff02::1]:25",
            "[fd00:ec2::254]:80",
            "[::ffff:127.0.0.1]:25",
            "[::127.0.0.1]:25",
            "[::ffff:0:127.0.0.1]:25",
            "[64:ff9b::127.0.0.1]:25",
            "[64:ff9b:1::127.0.0.1]:25",
            "[64:ff9b:1:a9fe:a9:fe00:808:808]:25",
            "[64:ff9b:1:7f:0:1:808:808]:25",
            "[64:ff9b:1:808:7f:0:100:808]:25",
            "[64:ff9b::169.254.169.254]:80",
            "[2002:7f00:1::]:25",
            "unix:/run/dovecot/lmtp",
        ] {
            assert_eq!(check(&Guard::new(), address), "not allowed", "{address}");
        }
    }

    #[test]
    fn others_are_free() {
        for address in [
            "192.0.2.1:25",
            "10.0.0.1:25",
            "192.168.1.1:25",
            "[2001:db8::1]:25",
            "[fd12:3456::1]:25",
            "[::ffff:192.0.2.1]:25",
            "[64:ff9b::192.0.2.1]:25",
            "[2002:c000:201::]:25",
        ] {
            assert_eq!(check(&Guard::new(), address), "free", "{address}");
        }
    }

    #[test]
    fn networks_are_allowed_by_name() {
        let networks = ["127.0.0.0/8", "fe80::/10", "169.254.1.1"];
        let guard = Guard::new().with_allowed(networks.map(|network| network.parse().unwrap()));
        for (address, result) in [
            ("127.0.0.1:25", "free"),
            ("[::ffff:127.0.0.1]:25", "free"),
            ("[fe80::1]:25", "free"),
            ("169.254.1.1:25", "free"),
            ("169.254.1.2:25", "not allowed"),
            ("[::1]:25", "not allowed"),
            ("unix:/run/lmtp", "not allowed"),
        ] {
            assert_eq!(check(&guard, address), result, "{address}");
        }
    }

    #[test]
    fn listeners_of_ones_own_are_refused_in_networks_that_are_allowed() {
        let own = OwnAddresses::default();
        let networks = ["127.0.0.0/8", "::1"].map(|network| network.parse().unwrap());
        let guard = Guard::new().with_allowed(networks).with_own(own.clone());
        assert_eq!(check(&guard, "127.0.0.1:2525"), "free");
        own.set(["127.0.0.1:2525", "0.0.0.0:2526", "[::]:2527"].map(|a| a.parse().unwrap()));
        for (address, result) in [
            ("127.0.0.1:2525", "loops back"),
            ("[::ffff:127.0.0.1]:2525", "loops back"),
            ("127.0.0.2:2525", "free"),
            ("127.0.0.1:25", "free"),
            ("127.0.0.1:2526", "loops back"),
            ("127.0.0.9:2526", "loops back"),
            ("[::1]:2526", "free"),
            ("[::1]:2527", "loops back"),
            // A listener on all IPv6 addresses takes IPv4 too, on most systems.
            ("127.0.0.1:2527", "loops back"),
            ("192.0.2.1:2526", "free"),
        ] {
            assert_eq!(check(&guard, address), result, "{address}");
        }
    }
}
