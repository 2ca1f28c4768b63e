//! The addresses from which a client connects.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use koukan_core::{network::RemoteAddress, signals::HostPort};

use super::by_host::ByHost;

/// The addresses of this machine from which a client connects: at most one for IPv4 and one for IPv6, for all hosts
/// and for single ones. For a family without one, the system chooses.
///
/// # Example
///
/// ```
/// use koukan_smtp::client::SourceAddresses;
///
/// let mut sources = SourceAddresses::new(["192.0.2.1".parse()?, "2001:db8::1".parse()?]);
/// sources.set(&"mx.example.com:25".parse()?, ["192.0.2.2".parse()?]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct SourceAddresses {
    all: Pair,
    hosts: ByHost<Pair>,
}

/// An address of each family.
#[derive(Debug, Clone, Copy, Default)]
struct Pair {
    v4: Option<Ipv4Addr>,
    v6: Option<Ipv6Addr>,
}

impl SourceAddresses {
    /// The addresses for all hosts. If several are of one family, the last one counts.
    pub fn new(addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        Self {
            all: Pair::of(addresses),
            hosts: ByHost::default(),
        }
    }

    /// Sets the addresses for one host, instead of those for all hosts. The case of its name does not matter.
    pub fn set(&mut self, host: &HostPort, addresses: impl IntoIterator<Item = IpAddr>) {
        self.hosts.set(host, Pair::of(addresses));
    }

    /// The source address for a connection to one of the host's addresses.
    pub(super) fn find(&self, host: &HostPort, address: &RemoteAddress) -> Option<IpAddr> {
        let pair = self.hosts.find(host).unwrap_or(&self.all);
        match address.ip()? {
            IpAddr::V4(_) => pair.v4.map(IpAddr::from),
            IpAddr::V6(_) => pair.v6.map(IpAddr::from),
        }
    }
}

impl Pair {
    fn of(addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        let mut pair = Self::default();
        for address in addresses {
            match address {
                IpAddr::V4(address) => pair.v4 = Some(address),
                IpAddr::V6(address) => pair.v6 = Some(address),
            }
        }
        pair
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_for_a_host_stands_in_place_of_what_is_for_all() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let mut sources = SourceAddresses::new([ip("192.0.2.1"), ip("2001:db8::1")]);
        sources.set(&"MX.example:25".parse().unwrap(), [ip("192.0.2.2")]);
        for (host, address, source) in [
            ("a.example:25", "198.51.100.1:25", Some("192.0.2.1")),
            ("a.example:25", "[2001:db8::9]:25", Some("2001:db8::1")),
            ("mx.example:25", "198.51.100.1:25", Some("192.0.2.2")),
            ("mx.example:25", "[2001:db8::9]:25", None),
            ("unix:/run/lmtp", "unix:/run/lmtp", None),
        ] {
            let (host, address) = (host.parse().unwrap(), address.parse().unwrap());
            assert_eq!(sources.find(&host, &address), source.map(ip), "{address}");
        }
    }
}
