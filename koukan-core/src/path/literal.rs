//! IP addresses in the place of host names.

use std::net::IpAddr;

/// An IP address as it stands in mail, in brackets: `[192.0.2.1]`, `[IPv6:2001:db8::1]`.
///
/// *Source*: RFC 5321 section 4.1.3.
pub fn address_literal(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => format!("[{address}]"),
        IpAddr::V6(address) => format!("[IPv6:{address}]"),
    }
}
