//! IPv4 addresses within IPv6 addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// All that an address may stand for: itself, and the IPv4 address within it.
///
/// *Source*: RFC 4291 section 2.5.5 (mapped, compatible), RFC 6052 and RFC 8215 (NAT64), RFC 2765
/// section 2.1 (translated), RFC 3056 (6to4).
pub(super) fn forms(address: IpAddr) -> impl Iterator<Item = IpAddr> + Clone {
    let canonical = address.to_canonical();
    let within = match canonical {
        IpAddr::V4(_) => None,
        IpAddr::V6(address) => within(address),
    };
    [Some(canonical), within.map(IpAddr::V4)]
        .into_iter()
        .flatten()
}

fn within(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let at = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        // `::` and `::1` are addresses of IPv6.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0 | 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x64, 0xff9b, 1, _, _, _, high, low]
        | [0x2002, high, low, ..] => Some(at(high, low)),
        _ => None,
    }
}
