//! Networks as operators write them.

use std::{fmt, net::IpAddr, str::FromStr};

/// A network of IP addresses.
///
/// *Shape*: as text `127.0.0.0/8` or `fe80::/10`. A single address is a network of one address.
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
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// A text is not a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a network, as in 127.0.0.0/8 or fe80::/10")]
pub struct InvalidNetwork;

impl Network {
    /// Whether the address is in the network.
    pub fn holds(&self, address: IpAddr) -> bool {
        // The bits that differ, and those that may.
        let (differ, may) = match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => (
                u128::from(own.to_bits() ^ other.to_bits()),
                32 - self.prefix,
            ),
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                (own.to_bits() ^ other.to_bits(), 128 - self.prefix)
            }
            _ => return false,
        };
        differ.checked_shr(may.into()).unwrap_or(0) == 0
    }

    /// The length of the prefix in bits; 0 for all addresses.
    pub fn prefix_len(&self) -> u8 {
        self.prefix
    }

    /// Whether it is one of IPv6.
    pub fn is_ipv6(&self) -> bool {
        self.address.is_ipv6()
    }
}

/// How many bits an address has.
fn bits(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| InvalidNetwork)?;
        let prefix = match prefix {
            None => bits(address),
            // A number may have a sign.
            Some(prefix) if prefix.bytes().all(|octet| octet.is_ascii_digit()) => {
                prefix.parse().map_err(|_| InvalidNetwork)?
            }
            Some(_) => return Err(InvalidNetwork),
        };
        match prefix <= bits(address) {
            true => Ok(Self { address, prefix }),
            false => Err(InvalidNetwork),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
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
            "127.0.0.0/",
            "127.0.0.0/+8",
            "127.0.0.0/8/8",
            "127.0.0.0/256",
        ] {
            assert_eq!(text.parse::<Network>(), Err(InvalidNetwork), "{text}");
        }
    }

    #[test]
    fn addresses_belong_to_it_up_to_the_last_bit_that_tells() {
        for (network, inside, outside) in [
            (
                "10.1.2.0/23",
                &["10.1.2.0", "10.1.3.255"][..],
                &["10.1.4.0", "10.1.1.255", "::ffff:10.1.2.1"][..],
            ),
            // What stands behind the prefix does not matter.
            ("10.1.2.9/24", &["10.1.2.1"], &["10.1.3.9"]),
            ("192.0.2.1", &["192.0.2.1"], &["192.0.2.0"]),
            ("0.0.0.0/0", &["0.0.0.0", "255.255.255.255"], &["::"]),
            ("::/0", &["::", "ffff::"], &["0.0.0.0"]),
            ("2001:db8::/33", &["2001:db8:7fff::1"], &["2001:db8:8000::"]),
            ("::1/128", &["::1"], &["::2"]),
        ] {
            let parsed: Network = network.parse().unwrap();
            let holds = |address: &&str| parsed.holds(address.parse().unwrap());
            assert!(inside.iter().all(holds), "{network}");
            assert!(!outside.iter().any(holds), "{network}");
        }
        let host_bits: Network = "10.1.2.9/24".parse().unwrap();
        assert_eq!(host_bits.to_string(), "10.1.2.9/24");
        assert_eq!((host_bits.prefix_len(), host_bits.is_ipv6()), (24, false));
    }
}
