//! IPv4 addresses within IPv6 addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// All addresses that an address may stand for: itself, and the IPv4 addresses that may be embedded in it.
///
/// An operator's own NAT64 prefix cannot be known here.
///
/// *Source*: RFC 4291 section 2.5.5 (mapped, compatible), RFC 6052 section 2.2 and RFC 8215 (NAT64),
/// RFC 2765 section 2.1 (translated), RFC 3056 (6to4).
pub(super) fn forms(address: IpAddr) -> impl Iterator<Item = IpAddr> + Clone {
    let canonical = address.to_canonical();
    let within = match canonical {
        IpAddr::V4(_) => [None; 4],
        IpAddr::V6(address) => within(address),
    };
    let within = within.into_iter().flatten().map(IpAddr::V4);
    std::iter::once(canonical).chain(within)
}

fn within(address: Ipv6Addr) -> [Option<Ipv4Addr>; 4] {
    let octets = address.octets();
    let at = |places: [usize; 4]| Some(Ipv4Addr::from(places.map(|place| octets[place])));
    let [last, first] = [[12, 13, 14, 15], [2, 3, 4, 5]];
    match address.segments() {
        // `::` and `::1` are plain IPv6 addresses.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => [None; 4],
        [0, 0, 0, 0, 0 | 0xffff, 0, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => {
            [at(last), None, None, None]
        }
        // The length of the prefix is unknown: 48, 56, 64 or 96 bits. The octet at 8 is not part of the address.
        [0x64, 0xff9b, 1, ..] => [
            at([6, 7, 9, 10]),
            at([7, 9, 10, 11]),
            at([9, 10, 11, 12]),
            at(last),
        ],
        [0x2002, ..] => [at(first), None, None, None],
        _ => [None; 4],
    }
}
