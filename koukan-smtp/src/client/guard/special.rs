//! Addresses at which there is no mail server of somebody else.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Metadata services of clouds outside link-local networks: whoever reaches one gets credentials.
const METADATA: [IpAddr; 4] = [
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
];

/// Whether an address is loopback, link-local, unspecified, multicast, reserved, or that of a
/// metadata service.
///
/// *Source*: RFC 6890, RFC 4291, RFC 3879 (site-local).
pub(super) fn is_special(address: IpAddr) -> bool {
    if METADATA.contains(&address) {
        return true;
    }
    match address {
        IpAddr::V4(address) => {
            // "This network", and the reserved range with the broadcast address at its end.
            let is_reserved = matches!(address.octets()[0], 0 | 240..);
            is_reserved
                || address.is_loopback()
                || address.is_link_local()
                || address.is_multicast()
        }
        IpAddr::V6(address) => {
            let is_site_local = address.segments()[0] & 0xffc0 == 0xfec0;
            is_site_local
                || address.is_loopback()
                || address.is_unspecified()
                || address.is_unicast_link_local()
                || address.is_multicast()
        }
    }
}
