//! A host and a port as one value.

use std::{fmt, net::Ipv6Addr, str::FromStr};

/// A host name or address, and a port.
///
/// *Shape*: as text `host:port`, an IPv6 address in brackets.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostPort {
    /// A name or an IP address, without brackets.
    pub host: Box<str>,
    /// The TCP port.
    pub port: u16,
}

/// A text is not `host:port`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a host and port, as in mx.example.com:25 or [::1]:25")]
pub struct InvalidHostPort;

impl FromStr for HostPort {
    type Err = InvalidHostPort;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (host, port) = text.rsplit_once(':').ok_or(InvalidHostPort)?;
        let port = port.parse().map_err(|_| InvalidHostPort)?;
        let host = match host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
            Some(address) if address.parse::<Ipv6Addr>().is_ok() => address,
            Some(_) => return Err(InvalidHostPort),
            None if host.is_empty() || host.contains([':', '[', ']', ' ', '/']) => {
                return Err(InvalidHostPort);
            }
            None => host,
        };
        Ok(Self {
            host: host.into(),
            port,
        })
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_what_it_prints() {
        for text in ["localhost:25", "127.0.0.1:3025", "[::1]:25"] {
            assert_eq!(text.parse::<HostPort>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "localhost",
            ":25",
            "::1:25",
            "a:b",
            "a:70000",
            "[x]:1",
            "http://a:1",
        ] {
            assert_eq!(text.parse::<HostPort>(), Err(InvalidHostPort), "{text}");
        }
    }
}
