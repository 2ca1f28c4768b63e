//! Addresses as the log shows them.

use std::{fmt, net::SocketAddr};

use crate::remote_address::RemoteAddress;

/// An address in its usual form. Two log lines per message contain one, and the standard library
/// takes ten times as long to write it.
pub(super) struct Address(pub(super) SocketAddr);

/// A remote address, in the same form.
pub(super) struct Remote<'a>(pub(super) &'a RemoteAddress);

impl fmt::Display for Remote<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            RemoteAddress::Tcp(address) => Address(*address).fmt(f),
            RemoteAddress::Unix(_) => self.0.fmt(f),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SocketAddr::V4(address) = self.0 else {
            return fmt::Display::fmt(&self.0, f);
        };
        let mut text = *b"255.255.255.255:65535";
        let mut len = 0;
        let mut push = |mut number: u16, end: u8| {
            let digits = number.checked_ilog10().unwrap_or_default() as usize + 1;
            for digit in text[len..len + digits].iter_mut().rev() {
                *digit = b'0' + (number % 10) as u8;
                number /= 10;
            }
            len += digits;
            if let Some(next) = text.get_mut(len) {
                *next = end;
                len += 1;
            }
        };
        let [a, b, c, d] = address.ip().octets();
        for (number, end) in [(a, b'.'), (b, b'.'), (c, b'.'), (d, b':')] {
            push(number.into(), end);
        }
        push(address.port(), b' ');
        let text = str::from_utf8(&text[..len]).unwrap_or_default();
        f.write_str(text.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_looks_as_it_always_does() {
        for text in [
            "0.0.0.0:0",
            "192.0.2.1:25",
            "255.255.255.255:65535",
            "10.20.30.40:9",
            "[::1]:25",
        ] {
            assert_eq!(Address(text.parse().unwrap()).to_string(), text);
            assert_eq!(Remote(&text.parse().unwrap()).to_string(), text);
        }
        let socket = "unix:/run/dovecot/lmtp";
        assert_eq!(Remote(&socket.parse().unwrap()).to_string(), socket);
    }
}
