//! Who is charged.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};

/// The client whose share is charged: as much as is known about it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Client {
    /// Nothing is known. All such clients count as one.
    #[default]
    Unknown,
    /// An IPv4 address, or the /64 network of an IPv6 address, since an IPv6 client can use all
    /// addresses of its network.
    Network(IpAddr),
    /// A client that has proved this name, for example by a token, at any address.
    Named(Arc<str>),
}

impl Client {
    /// The client at an address. IPv4 in IPv6 form counts as IPv4.
    pub fn at(address: IpAddr) -> Self {
        Self::Network(match address.to_canonical() {
            IpAddr::V6(address) => {
                let network = address.to_bits() & !u128::from(u64::MAX);
                IpAddr::V6(Ipv6Addr::from_bits(network))
            }
            address => address,
        })
    }

    /// The client of that name.
    pub fn named(name: impl Into<Arc<str>>) -> Self {
        Self::Named(name.into())
    }
}

impl fmt::Display for Client {
    /// *Shape*: a name, an address, or `somebody`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("somebody"),
            Self::Network(address) => write!(f, "{address}"),
            Self::Named(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("2001:db8::1", "2001:db8::2:3", true)]
    #[case("2001:db8::1", "2001:db8:0:1::1", false)]
    #[case("192.0.2.1", "::ffff:192.0.2.1", true)]
    #[case("192.0.2.1", "192.0.2.2", false)]
    #[case("::ffff:192.0.2.1", "::ffff:192.0.2.2", false)]
    #[case("::1", "127.0.0.1", false)]
    fn an_ipv6_client_is_its_network_and_ipv4_is_ipv4(
        #[case] one: &str,
        #[case] other: &str,
        #[case] is_same: bool,
    ) {
        let [one, other] = [one, other].map(|ip| Client::at(ip.parse().unwrap()));
        assert_eq!(one == other, is_same);
    }
}
