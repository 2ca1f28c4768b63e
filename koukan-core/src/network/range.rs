//! Networks, as the operator writes them.

use std::{fmt, net::IpAddr, str::FromStr};

use ipnet::IpNet;

/// A network of IP addresses.
///
/// *Shape*: as text `127.0.0.0/8` or `fe80::/10`; an address alone is a network of one.
///
/// # Example
///
/// ```
/// use koukan_core::network::Network;
///
/// let loopback: Network = "127.0.0.0/8".parse()?;
/// assert!(loopback.holds("127.0.0.9".parse().unwrap()));
/// assert_eq!("::1".parse::<Network>()?.to_string(), "::1/128");
/// # Ok::<(), koukan_core::network::InvalidNetwork>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network(IpNet);

/// A text is not a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a network, as in 127.0.0.0/8 or fe80::/10")]
pub struct InvalidNetwork;

impl Network {
    /// Whether the address belongs to it.
    pub fn holds(&self, address: IpAddr) -> bool {
        self.0.contains(&address)
    }

    /// How many bits of an address tell whether it belongs to it: 0 for all addresses.
    pub fn prefix_len(&self) -> u8 {
        self.0.prefix_len()
    }

    /// Whether it is one of IPv6.
    pub fn is_ipv6(&self) -> bool {
        matches!(self.0, IpNet::V6(_))
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let of_one = || text.parse::<IpAddr>().map(IpNet::from);
        let network = text.parse::<IpNet>().or_else(|_| of_one());
        network.map(Self).map_err(|_| InvalidNetwork)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "localhost",
            "127.0.0.0/33",
            "127.0.0",
            "::/129",
            "127.0.0.1:25",
        ] {
            assert_eq!(text.parse::<Network>(), Err(InvalidNetwork), "{text}");
        }
    }
}
