//! A host and a port as one value.

use std::{fmt, net::Ipv6Addr, path::Path, str::FromStr};

use crate::{
    path::domain_key,
    remote_address::{RemoteAddress, UNIX},
};

/// A host name or address with a port; or the path of a Unix socket.
///
/// *Shape*: as text `host:port`, an IPv6 address in brackets; `unix:/run/dovecot/lmtp` for a Unix socket.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostPort {
    /// A name or an IP address, without brackets; or `unix:` and a path.
    pub host: Box<str>,
    /// The TCP port; 0 with a Unix socket.
    pub port: u16,
}

/// A text is not `host:port`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a host and port, as in mx.example.com:25 or [::1]:25")]
pub struct InvalidHostPort;

impl HostPort {
    /// The path, if it is a Unix socket.
    pub fn unix(&self) -> Option<&Path> {
        let path = self.host.strip_prefix(UNIX)?;
        path.starts_with('/').then(|| Path::new(path))
    }

    /// The same with the host name in the form in which names are compared ([`domain_key`]). A path is unchanged.
    #[must_use]
    pub fn to_lower_case(&self) -> Self {
        match self.unix() {
            Some(_) => self.clone(),
            None => Self {
                host: domain_key(&self.host).into(),
                port: self.port,
            },
        }
    }
}

impl FromStr for HostPort {
    type Err = InvalidHostPort;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with(UNIX)
            && let Ok(RemoteAddress::Unix(_)) = text.parse()
        {
            let host = text.into();
            return Ok(Self { host, port: 0 });
        }
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
        if self.unix().is_some() {
            f.write_str(&self.host)
        } else if self.host.contains(':') {
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
        for text in [
            "localhost:25",
            "127.0.0.1:3025",
            "[::1]:25",
            "unix:25",
            "unix:/run/a:b",
        ] {
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
            "unix:a/b",
            "unix:/run/",
        ] {
            assert_eq!(text.parse::<HostPort>(), Err(InvalidHostPort), "{text}");
        }
    }
    #[test]
    fn paths_are_of_one_case_and_have_no_port() {
        let host: HostPort = "unix:/run/Dovecot/lmtp".parse().unwrap();
        assert_eq!(host.unix(), Some(Path::new("/run/Dovecot/lmtp")));
        assert_eq!((host.port, host.to_lower_case()), (0, host));
        let host: HostPort = "MX.example:25".parse().unwrap();
        assert_eq!(host.unix(), None);
        assert_eq!(host.to_lower_case().to_string(), "mx.example:25");
    }
}
