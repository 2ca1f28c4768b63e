//! Version 1: a line of text.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::{self, FromStr},
};

use super::{InvalidProxyHeader, Parsed, ProxyHeader, begins_with};

/// The most octets in the line, with its line end.
const LEN_MAX: usize = 107;

pub(super) fn parse(input: &[u8]) -> Parsed {
    if !begins_with(input, b"PROXY ") {
        return Err(InvalidProxyHeader);
    }
    let within = &input[..input.len().min(LEN_MAX)];
    let Some(end) = memchr::memchr(b'\n', within) else {
        return match within.len() {
            LEN_MAX => Err(InvalidProxyHeader),
            _ => Ok(None),
        };
    };
    let line = within[..end].strip_suffix(b"\r");
    let line = line.and_then(|line| str::from_utf8(line).ok());
    let header = line.and_then(header).ok_or(InvalidProxyHeader)?;
    Ok(Some((header, end + 1)))
}

fn header(line: &str) -> Option<ProxyHeader> {
    let mut words = line.split(' ').skip(1);
    match words.next()? {
        // The rest of the line is ignored.
        "UNKNOWN" => Some(ProxyHeader::Own),
        "TCP4" => client::<Ipv4Addr>(words),
        "TCP6" => client::<Ipv6Addr>(words),
        _ => None,
    }
}

fn client<'a, A>(mut words: impl Iterator<Item = &'a str>) -> Option<ProxyHeader>
where
    A: FromStr + Into<IpAddr>,
{
    let mut address = || words.next()?.parse::<A>().ok().map(Into::into);
    let (from, to): (IpAddr, IpAddr) = (address()?, address()?);
    let (from, to) = ((from, port(words.next()?)?), (to, port(words.next()?)?));
    let header = ProxyHeader::Client {
        from: from.into(),
        to: to.into(),
    };
    words.next().is_none().then_some(header)
}

/// Reads a port that consists of digits only.
fn port(word: &str) -> Option<u16> {
    let is_plain = word == "0" || !word.starts_with(['0', '+']);
    word.parse().ok().filter(|_| is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_are_headers() {
        let client = |from: &str, to: &str| ProxyHeader::Client {
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
        };
        let longest = format!("PROXY UNKNOWN {}\r\n", "f".repeat(LEN_MAX - 16));
        for (line, expected) in [
            (
                "PROXY TCP4 192.0.2.7 192.0.2.1 51234 25\r\n",
                client("192.0.2.7:51234", "192.0.2.1:25"),
            ),
            (
                "PROXY TCP6 2001:db8::7 2001:db8::1 0 65535\r\n",
                client("[2001:db8::7]:0", "[2001:db8::1]:65535"),
            ),
            ("PROXY UNKNOWN\r\n", ProxyHeader::Own),
            ("PROXY UNKNOWN a b c\r\n", ProxyHeader::Own),
            (&longest, ProxyHeader::Own),
        ] {
            let with_more = format!("{line}EHLO client\r\n");
            let length = line.len();
            assert_eq!(parse(with_more.as_bytes()), Ok(Some((expected, length))));
            for end in 1..length {
                assert_eq!(parse(&line.as_bytes()[..end]), Ok(None), "{line} {end}");
            }
        }
    }

    #[test]
    fn lines_that_are_none() {
        let too_long = format!("PROXY UNKNOWN {}\r\n", "f".repeat(LEN_MAX - 15));
        for line in [
            "PING\r\n",
            "PROXIES\r\n",
            "PROXY \r\n",
            "PROXY TCP4\r\n",
            "PROXY TCP5 192.0.2.7 192.0.2.1 51234 25\r\n",
            "PROXY tcp4 192.0.2.7 192.0.2.1 51234 25\r\n",
            "PROXY TCP4 192.0.2.7 192.0.2.1 51234 25\n",
            "PROXY TCP4 192.0.2.7 192.0.2.1 51234\r\n",
            "PROXY TCP4 192.0.2.7 192.0.2.1 51234 25 \r\n",
            "PROXY TCP4 192.0.2.7 192.0.2.1 51234 25 1\r\n",
            "PROXY  TCP4 192.0.2.7 192.0.2.1 51234 25\r\n",
            "PROXY TCP4 192.0.2.7 192.0.2.1 65536 25\r\n",
            "PROXY TCP4 192.0.2.7 192.0.2.1 +1 25\r\n",
            "PROXY TCP4 192.0.2.7 192.0.2.1 01 25\r\n",
            "PROXY TCP4 192.0.2.7 192.0.2.1 1 \r\n",
            "PROXY TCP4 192.0.2.07 192.0.2.1 1 25\r\n",
            "PROXY TCP4 2001:db8::7 2001:db8::1 1 25\r\n",
            "PROXY TCP6 192.0.2.7 192.0.2.1 1 25\r\n",
            "PROXY TCP6 fe80::1%1 fe80::2 1 25\r\n",
            "PROXY TCP4 \u{e4} 192.0.2.1 1 25\r\n",
            &too_long,
        ] {
            assert_eq!(parse(line.as_bytes()), Err(InvalidProxyHeader), "{line}");
        }
        let endless = [b"PROXY UNKNOWN ".as_slice(), &[b'f'; LEN_MAX]].concat();
        assert_eq!(parse(&endless), Err(InvalidProxyHeader));
    }
}
