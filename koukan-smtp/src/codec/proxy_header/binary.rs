//! Version 2: a signature, a fixed part, and as many octets as the fixed part says.

use std::net::{IpAddr, SocketAddr};

use super::{InvalidProxyHeader, Parsed, ProxyHeader, begins_with};

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Octets of the fixed part: the signature, the version and command, the family, and the length.
const FIXED: usize = 16;
/// The most octets behind the fixed part. The addresses have 36; the rest holds optional facts
/// about TLS, the network and so on.
const LEN_MAX: usize = 4096;

/// The version and the command LOCAL: the connection is the proxy's own.
const LOCAL: u8 = 0x20;
/// The version and the command PROXY: the proxy passes on a client's connection.
const PROXY: u8 = 0x21;

const UNSPECIFIED: u8 = 0x00;
const TCP_OVER_IPV4: u8 = 0x11;
const TCP_OVER_IPV6: u8 = 0x21;
const UNIX_STREAM: u8 = 0x31;

pub(super) fn parse(input: &[u8]) -> Parsed {
    if !begins_with(input, SIGNATURE) {
        return Err(InvalidProxyHeader);
    }
    let Some((fixed, rest)) = input.split_first_chunk::<FIXED>() else {
        return Ok(None);
    };
    let [.., command, family, high, low] = *fixed;
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > LEN_MAX {
        return Err(InvalidProxyHeader);
    }
    let Some(rest) = rest.get(..length) else {
        return Ok(None);
    };
    let header = match (command, family) {
        (LOCAL, _) | (PROXY, UNSPECIFIED | UNIX_STREAM) => Some(ProxyHeader::Own),
        (PROXY, TCP_OVER_IPV4) => client::<4>(rest),
        (PROXY, TCP_OVER_IPV6) => client::<16>(rest),
        _ => None,
    };
    let header = header.ok_or(InvalidProxyHeader)?;
    Ok(Some((header, FIXED + length)))
}

fn client<const N: usize>(rest: &[u8]) -> Option<ProxyHeader>
where
    IpAddr: From<[u8; N]>,
{
    let (from, rest) = rest.split_first_chunk::<N>()?;
    let (to, rest) = rest.split_first_chunk::<N>()?;
    let (from_port, rest) = rest.split_first_chunk()?;
    let (to_port, _) = rest.split_first_chunk()?;
    let address = |octets: &[u8; N], port: &[u8; 2]| {
        SocketAddr::new(IpAddr::from(*octets), u16::from_be_bytes(*port))
    };
    Some(ProxyHeader::Client {
        from: address(from, from_port),
        to: address(to, to_port),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn octets(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [SIGNATURE, &[command, family], &length, rest].concat()
    }

    const IPV4: &[u8] = &[192, 0, 2, 7, 192, 0, 2, 1, 0xc8, 0x22, 0, 25];

    #[test]
    fn headers() {
        let ipv6 = [
            [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7],
            [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        ];
        let ipv6 = [ipv6.concat(), vec![0xc8, 0x22, 0, 25]].concat();
        let client = |from: &str, to: &str| ProxyHeader::Client {
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
        };
        let with_facts = [IPV4, &[0x04, 0, 2, 1, 2]].concat();
        let of_ipv4 = client("192.0.2.7:51234", "192.0.2.1:25");
        for (octets, expected) in [
            (octets(PROXY, TCP_OVER_IPV4, IPV4), of_ipv4),
            (octets(PROXY, TCP_OVER_IPV4, &with_facts), of_ipv4),
            (
                octets(PROXY, TCP_OVER_IPV6, &ipv6),
                client("[2001:db8::7]:51234", "[2001:db8::1]:25"),
            ),
            (octets(LOCAL, UNSPECIFIED, &[]), ProxyHeader::Own),
            (octets(LOCAL, TCP_OVER_IPV4, IPV4), ProxyHeader::Own),
            (octets(PROXY, UNSPECIFIED, b"what"), ProxyHeader::Own),
            (octets(PROXY, UNIX_STREAM, &[0; 216]), ProxyHeader::Own),
            (octets(LOCAL, UNSPECIFIED, &[0; LEN_MAX]), ProxyHeader::Own),
        ] {
            let with_more = [&octets[..], b"EHLO client\r\n"].concat();
            assert_eq!(parse(&with_more), Ok(Some((expected, octets.len()))));
            for end in 1..octets.len() {
                assert_eq!(parse(&octets[..end]), Ok(None), "{expected:?} {end}");
            }
        }
    }

    #[test]
    fn what_is_none() {
        for octets in [
            b"\r\n\r\n\0\r\nQUIT\r".to_vec(),
            b"\r\n\r\nEHLO".to_vec(),
            b"EHLO client\r\n".to_vec(),
            octets(0x11, TCP_OVER_IPV4, IPV4),
            octets(0x22, TCP_OVER_IPV4, IPV4),
            octets(PROXY, 0x12, IPV4),
            octets(PROXY, TCP_OVER_IPV4, &IPV4[1..]),
            octets(PROXY, TCP_OVER_IPV6, IPV4),
            octets(LOCAL, UNSPECIFIED, &[0; LEN_MAX + 1]),
        ] {
            assert_eq!(parse(&octets), Err(InvalidProxyHeader), "{octets:?}");
        }
        let endless = [SIGNATURE, &[LOCAL, UNSPECIFIED, 0xff, 0xff]].concat();
        assert_eq!(parse(&endless), Err(InvalidProxyHeader), "not waited for");
    }
}
